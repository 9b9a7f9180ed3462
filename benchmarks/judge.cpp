#include "judge.hpp"

#include <fmt/format.h>

namespace bench {

void judge::add(const series* a, const series* b, const std::string& where) {
    if (a != nullptr && b != nullptr && !a->rounds.empty()) add_case(*a, *b, "x " + where);
}

void judge::add(const series* a, const std::string& unit_and_where) {
    if (a != nullptr && !a->rounds.empty()) add_case(*a, {std::vector<double>(a->rounds.size(), 1)}, unit_and_where);
}

void judge::add_case(const series& a, const series& b, const std::string& where) {
    const double found = ratio(a, b);
    const auto text = fmt::format("{:.2f} {}", found, where);
    if (goal_.cases++ == 0 || beyond(found, worst_)) {
        worst_ = found;
        goal_.found = text;
    }
    if (beyond(found, limit_)) (mostly_beyond(a, b) ? goal_.misses : goal_.undecided).push_back(text);
}

bool judge::mostly_beyond(const series& a, const series& b) const {
    std::size_t rounds = 0;
    for (std::size_t i = 0; i < a.rounds.size(); ++i)
        if (beyond(a.rounds[i] / b.rounds[i], limit_)) ++rounds;
    return rounds * 5 >= a.rounds.size() * 4;
}

} // namespace bench
