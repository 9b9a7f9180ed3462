// The goals of the memory table: what is left after the silence, and what the next use costs.
#pragma once

#include <vector>

#include "goals.hpp"
#include "results.hpp"

namespace bench {

// Resident and not lazily free after the silence, of the peak.
[[nodiscard]] goal quiet_memory(const std::vector<table>& tables);

// In steady use and after the silence, against glibc.
[[nodiscard]] goal next_use(const std::vector<table>& tables);

// The same and what is left, against every allocator: says where another one is better.
[[nodiscard]] goal no_peer_wins(const std::vector<table>& tables);

} // namespace bench
