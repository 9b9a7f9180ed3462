// What the pool has done and what it holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <synk/detail/config.hpp>
#include <synk/detail/size_class.hpp>

namespace synk {
inline namespace v1 {

// Counts since the start of the process (of the child, after a fork: since the parent's start). A get counts in the
// tier of its size, or where few lengths serve all sizes above 64 KiB (docs/giving-back.md) in the next.
struct tier_statistics {
    std::uint64_t cache_hits = 0;   // gets served from the thread's own cache
    std::uint64_t channel_hits = 0; // gets served from the tier's channel; of large blocks, from the shelf
    std::uint64_t chunk_hits = 0;   // gets served from idle pages of a chunk: a split, or a piece whole again
    std::uint64_t misses = 0;       // gets that needed new memory from the system
    std::size_t in_channel = 0;     // blocks that lie in the channel now
    std::size_t channel_room = 0;   // blocks that fit into it: max(8, 256 >> tier), 0 for large
};

// All sizes in bytes. Fields are read one after another while the pool goes on: each is right at some moment
// of the call, their sums are exact when no get, put or trim runs.
struct statistics {
    std::size_t mapped = 0;           // address space that the pool has from the system, for blocks
    std::size_t lent = 0;             // in users' hands
    std::size_t idle = 0;             // in the pool, and possibly resident: the sum of the next five
    std::size_t idle_cached = 0;      // in threads' caches
    std::size_t idle_channel = 0;     // in channels
    std::size_t idle_chunk = 0;       // in chunks, as pages that were used before
    std::size_t idle_large = 0;       // on the shelf of large blocks
    std::size_t idle_quarantine = 0;  // kept from reuse by hardened mode
    std::size_t weak = 0;             // of idle_chunk and idle_large: what the system may take at any moment
    std::size_t gone = 0;             // in the pool, but without memory behind them
    std::size_t mapped_peak = 0;      // the most that was ever mapped
    std::size_t in_use_peak = 0;      // the most that was ever lent, cached or in a channel at one time
    std::uint64_t splits = 0;         // runs cut out of a longer idle run
    std::uint64_t restored = 0;       // chunks whose last missing piece came back: whole again
    std::uint64_t dropped = 0;        // puts that found no room under idle_limit: their memory went back at once
    std::uint64_t given_back = 0;     // bytes given back to the system
    std::uint64_t refused_advice = 0; // times that the system refused an advice
    std::array<tier_statistics, detail::tier_count + 1> tiers{}; // the last one is for large blocks
};

// From any thread, while others are at work: figures that belong together may then be off by what is on its way. The
// keeper's work is waited for, some 15 ms at most, so that with nobody else at work `lent` is 0 once all is put. Looks
// at the cache of every thread that was alive at a time: microseconds, with a thousand 0.1 ms, not for every request.
[[nodiscard]] SYNK_API statistics stats() noexcept;

} // namespace v1
} // namespace synk
