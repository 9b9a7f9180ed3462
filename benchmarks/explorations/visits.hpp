// How often gets went past their thread's cache.
#pragma once

#include <cstdint>

#include <synk/pool.hpp>

namespace explore {

// Gets of the process so far that a channel, a chunk or the system served.
[[nodiscard]] inline std::uint64_t visits() {
    std::uint64_t sum = 0;
    for (const auto& tier : synk::stats().tiers) sum += tier.channel_hits + tier.chunk_hits + tier.misses;
    return sum;
}

} // namespace explore
