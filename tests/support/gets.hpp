// How many gets there were so far, and what served them.
#pragma once

#include <cstdint>

#include <synk/stats.hpp>

namespace synk_test {

inline std::uint64_t gets_of(const synk::tier_statistics& t) {
    return t.cache_hits + t.channel_hits + t.chunk_hits + t.misses;
}

inline std::uint64_t gets() {
    std::uint64_t sum = 0;
    for (const auto& tier : synk::stats().tiers) sum += gets_of(tier);
    return sum;
}

inline std::uint64_t cache_hits() {
    std::uint64_t sum = 0;
    for (const auto& tier : synk::stats().tiers) sum += tier.cache_hits;
    return sum;
}

} // namespace synk_test
