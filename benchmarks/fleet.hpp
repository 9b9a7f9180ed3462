// The processes of one table: one for each contender, started together, at work one at a time.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "allocators.hpp"
#include "measured_process.hpp"
#include "rounds.hpp"

namespace bench {

class fleet {
public:
    // synk's rows and the floors by name; the peers come of themselves.
    fleet(std::span<const std::string_view> rows, std::uint64_t seed);

    // Each of them is to carry this out in its turn. The processes must be there while rounds run.
    void enter(std::vector<contender>& into, const std::string& group, const order& o, std::size_t columns);
    // Of one of them, now. Throws std::runtime_error when there is none of this name.
    answer ask(std::string_view name, const order& o);
    [[nodiscard]] const std::vector<allocator>& all() const { return all_; }

private:
    std::vector<allocator> all_;
    std::list<measured_process> processes_; // in the same order
};

// For what must begin afresh: each round of each contender in a new process.
using fresh_work = std::function<std::vector<double>(measured_process&)>;
void enter_fresh(std::vector<contender>& into, const std::vector<allocator>& all, std::uint64_t seed,
                 const std::string& group, const fresh_work& work);

} // namespace bench
