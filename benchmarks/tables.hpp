// The tables that are measured, one file each.
#pragma once

#include "progress.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace bench {

// Get and put of random sizes up to `limit` bytes, one thread: the specification's first two tables.
[[nodiscard]] table random_table(const std::string& id, std::size_t limit, const settings& s, progress& shown);

// Workers that compute on their buffers: the specification's third table.
[[nodiscard]] table concurrent_table(const settings& s, progress& shown);

// One size again and again, one thread: what the get and the put themselves cost, tier by tier.
[[nodiscard]] table hot_table(const settings& s, progress& shown);

} // namespace bench
