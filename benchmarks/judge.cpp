#include "judge.hpp"

#include <fmt/format.h>

namespace bench {

void judge::add(const series* a, const series* b, const std::string& where) {
    if (a == nullptr || b == nullptr || a->rounds.empty()) return;
    const double found = ratio(*a, *b);
    const auto text = fmt::format("{:.2f} x {}", found, where);
    if (goal_.cases++ == 0 || beyond(found, worst_)) {
        worst_ = found;
        goal_.found = text;
    }
    if (beyond(found, limit_)) (mostly_beyond(*a, *b) ? goal_.misses : goal_.undecided).push_back(text);
}

void judge::add(const series* a, const std::string& where) {
    if (a == nullptr) return;
    const series ones{std::vector<double>(a->rounds.size(), 1)};
    add(a, &ones, where);
}

bool judge::mostly_beyond(const series& a, const series& b) const {
    std::size_t rounds = 0;
    for (std::size_t i = 0; i < a.rounds.size(); ++i)
        if (beyond(a.rounds[i] / b.rounds[i], limit_)) ++rounds;
    return rounds * 5 >= a.rounds.size() * 4;
}

} // namespace bench
