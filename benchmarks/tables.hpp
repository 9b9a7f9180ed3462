// The tables that are measured in processes of their own, one for each contender. Times: the lower the better.
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

// Threads with buffers of their own, as many as there are processors and many more.
[[nodiscard]] table threads_table(const settings& s, progress& shown);
[[nodiscard]] std::string threads_group(const std::string& sizes, std::uint64_t threads);

// One thread gets, another one puts.
[[nodiscard]] table handover_table(const settings& s, progress& shown);

// Many held at once, with the page faults once warm.
[[nodiscard]] table burst_table(const settings& s, progress& shown);

// Peak of what is resident over the most that was asked for at one time.
[[nodiscard]] table waste_table(const settings& s, progress& shown);

// New memory, page by page.
[[nodiscard]] table touch_table(const settings& s, progress& shown);

// What each path costs with 64 MiB and with up to 16 GiB in the pool, lent or idle.
[[nodiscard]] table growth_table(const settings& s, progress& shown);
[[nodiscard]] std::string growth_group(bool lent, bool much);

} // namespace bench
