// Where a cache had best lie: thread_caches::place_in.

#include "cache/thread_caches.hpp"

namespace synk::inline v1::detail {

namespace {

// By the last 12 bits of an address processors first tell whether a load must wait for an earlier store: of two that
// lie a multiple of 4096 bytes apart it waits in vain.
bool meet(const void* a, const void* b) noexcept {
    const auto apart = (reinterpret_cast<std::uintptr_t>(a) - reinterpret_cast<std::uintptr_t>(b)) % page_size;
    return apart < sizeof(std::uint64_t) || apart > page_size - sizeof(std::uint64_t);
}

// Whether a word meets what a hit may read of its start, for the blocks that caches hold.
bool meets_start(const void* word, const hit_start& start) noexcept {
    const auto from_start =
        (reinterpret_cast<std::uintptr_t>(word) - reinterpret_cast<std::uintptr_t>(&start)) % page_size;
    return from_start < alignof(hit_start) || from_start > page_size - sizeof(std::uint64_t);
}

// How many classes, from the first one on, a cache would serve here so that no hit of a bin's first slot waits for what
// it does not depend on: not the loads that every hit begins with for what the hit before wrote, nor its own loads for
// what a user wrote at the start of a block. (What a cache's own parts are to each other: thread_cache.hpp.) Only looks
// at addresses.
unsigned served_well(cache_record& c, const hit_start& start) noexcept {
    constexpr const void* block_start = nullptr; // any multiple of page_size
    if (meets_start(&c.gate, start) || meet(&c.gate, block_start)) return 0;
    for (unsigned cls = 0; cls < cached_class_count; ++cls) {
        const void* const word = &c.bins[bin_of(cls)];
        const void* const slot = c.row(cls);
        if (meets_start(word, start) || meets_start(slot, start)) return cls;
        if (meet(word, block_start) || meet(slot, block_start) || meet(&c.tags[bin_of(cls)], block_start)) return cls;
        if (meet(&c.limits[bin_of(cls)], block_start)) return cls;
    }
    return cached_class_count;
}

} // namespace

// It is as right anywhere.
std::byte* thread_caches::place_in(std::byte* memory, const hit_start& start) noexcept {
    std::byte* best = memory;
    unsigned most = 0;
    for (std::size_t at = 0; at < page_size; at += alignof(cache_record)) {
        const unsigned served = served_well(*reinterpret_cast<cache_record*>(memory + at), start);
        if (served <= most) continue;
        best = memory + at;
        most = served;
    }
    return best;
}

} // namespace synk::inline v1::detail
