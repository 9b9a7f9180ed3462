#include "compare.hpp"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "allocators.hpp"

namespace bench {

rival floor_of(const table& t, std::string_view group, std::string_view key) {
    for (const char* name : {"floor", "bare hand-over"})
        if (const series* s = t.find(group, name, key)) return {name, s};
    return {};
}

rival best_peer(const table& t, std::string_view group, std::string_view key) {
    rival best;
    for (const auto& row : t.rows) {
        if (row.group != group || !is_peer(row.name)) continue;
        const series* const s = t.find(group, row.name, key);
        if (s == nullptr || s->rounds.empty()) continue;
        if (best.values == nullptr || s->median() < best.values->median()) best = {row.name, s};
    }
    return best;
}

bool is_synk(std::string_view name) {
    constexpr std::string_view ways[] = {"unsized", "sized", "bare", "synk"};
    return std::find(std::begin(ways), std::end(ways), name) != std::end(ways);
}

double spread_percent(const series& s) { return s.median() == 0 ? 0 : 100 * (s.max() - s.min()) / s.median(); }

std::string figure(double v) {
    if (v == 0) return "0";
    if (v < 0.01) return fmt::format("{:.2g}", v);
    return fmt::format("{:.{}f}", v, v < 10 ? 2 : v < 100 ? 1 : 0);
}

} // namespace bench
