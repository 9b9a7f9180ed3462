#include "rows.hpp"

#include <atomic>

namespace bench {

std::uint64_t pool_misses() {
    std::uint64_t misses = 0;
    for (const auto& tier : synk::stats().tiers) misses += tier.misses;
    return misses;
}

constinit thread_local floor::stack floor::stacks[floor::tier_count] = {};

namespace {
std::atomic<std::uint64_t> floor_calls{0}; // relaxed everywhere: a count, it publishes nothing
}

std::uint64_t floor::calls() { return floor_calls.load(std::memory_order_relaxed); }

// On page boundaries, like the pool's blocks.
std::byte* floor::allocate(unsigned tier) {
    static thread_local cleaner at_thread_end;
    static_cast<void>(at_thread_end);
    floor_calls.fetch_add(1, std::memory_order_relaxed);
    constexpr std::size_t page = std::size_t{1} << page_shift;
    void* const p = std::aligned_alloc(page, page << tier);
    if (p == nullptr) throw std::bad_alloc();
    return static_cast<std::byte*>(p);
}

floor::cleaner::~cleaner() {
    for (stack& s : stacks)
        while (s.count != 0) std::free(s.blocks[--s.count]);
}

} // namespace bench
