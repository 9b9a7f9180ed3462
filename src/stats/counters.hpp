// Counts that the slow paths keep. All relaxed: stats() and what decides how much to keep want recent values; who owns
// what is never decided by them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/size_class.hpp>

namespace synk::inline v1::detail {

class counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, memory_order_relaxed); }
    void sub(std::uint64_t n) noexcept { value_.fetch_sub(n, memory_order_relaxed); }
    void set(std::uint64_t n) noexcept { value_.store(n, memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(memory_order_relaxed); }

    // For high-water marks.
    void raise(std::uint64_t n) noexcept {
        std::uint64_t seen = value_.load(memory_order_relaxed);
        while (seen < n && !value_.compare_exchange_weak(seen, n, memory_order_relaxed, memory_order_relaxed)) {
        }
    }

private:
    atomic<std::uint64_t> value_{0};
};

struct tier_counters {
    counter channel_hits, chunk_hits, misses;
};

struct alignas(64) pool_counters {
    counter mapped_peak, owned_peak; // the most that `mapped`, and what is owned of it, ever were
    counter mapped;                  // bytes of chunks and large blocks
    counter chunk_owned;             // bytes of chunks that are not free: lent, cached, or in a channel
    counter chunk_warm;              // bytes of free pages in chunks that may be resident
    counter chunk_weak;              // bytes of those that the system may take
    counter large_mapped;            // bytes of large and of guarded blocks, lent and idle
    counter large_shelved;           // bytes of large blocks on the shelf
    counter large_weak;              // bytes of those that the system may take
    counter guarded_retired;         // bytes of guarded blocks that were put: addresses without memory
    counter splits, restored, dropped, given_back;
    tier_counters tiers[tier_count + 1];
};

extern constinit pool_counters counters;

// After mapped, chunk_owned or large_mapped grew.
void note_peaks() noexcept;

} // namespace synk::inline v1::detail
