// How a row stands to the floor and to the best of the others.
#pragma once

#include <string>
#include <string_view>

#include "results.hpp"

namespace bench {

// What a series is held against; null when it was not measured.
struct rival {
    std::string name;
    const series* values = nullptr;
};

// The least that the work costs: the floor's row, or that of the bare hand-over.
[[nodiscard]] rival floor_of(const table& t, std::string_view group, std::string_view key);
// The peer with the lowest median.
[[nodiscard]] rival best_peer(const table& t, std::string_view group, std::string_view key);
// One of synk's own ways: the pools of bytes, the bare pointer, or the process that stands for them all.
[[nodiscard]] bool is_synk(std::string_view name);
// Highest less lowest, in percent of the median.
[[nodiscard]] double spread_percent(const series& s);

// Three digits that mean something, whatever the magnitude.
[[nodiscard]] std::string figure(double v);

} // namespace bench
