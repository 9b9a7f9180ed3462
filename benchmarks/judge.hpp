// Gathers the cases of one goal; each is the ratio of two series.
#pragma once

#include <string>

#include "goals.hpp"
#include "results.hpp"

namespace bench {

enum class bound { at_most, at_least };

class judge {
public:
    judge(std::string id, std::string text, bound side, double limit) : side_(side), limit_(limit) {
        goal_.id = std::move(id);
        goal_.text = std::move(text);
    }

    // A series that was not measured is null: no case.
    void add(const series* a, const series* b, const std::string& where);
    // Of what is a ratio or a share already.
    void add(const series* a, const std::string& unit_and_where);
    [[nodiscard]] goal result() { return std::move(goal_); }

private:
    [[nodiscard]] bool beyond(double found, double limit) const {
        return side_ == bound::at_most ? found > limit : found < limit;
    }
    void add_case(const series& a, const series& b, const std::string& where);
    [[nodiscard]] bool mostly_beyond(const series& a, const series& b) const;

    bound side_;
    double limit_;
    double worst_ = 0;
    goal goal_;
};

} // namespace bench
