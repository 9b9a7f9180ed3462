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

// Whether a cache would lie here so that no hit of a bin's first slot waits for what it does not depend on: not the
// load that every hit begins with for what the hit before wrote, nor its own loads for what a user wrote at the start
// of a block. (What a cache's own parts are to each other: thread_cache.hpp.) Only looks at addresses.
bool lies_well(cache_record& c, const void* read_first) noexcept {
    constexpr const void* block_start = nullptr; // any multiple of page_size
    for (unsigned cls = 0; cls < cached_class_count; ++cls) {
        const void* const word = &c.bins[bin_of(cls)];
        const void* const slot = c.row(cls);
        if (meet(word, read_first) || meet(slot, read_first)) return false;
        if (meet(word, block_start) || meet(slot, block_start) || meet(&c.tags[bin_of(cls)], block_start)) return false;
        if (meet(&c.limits[bin_of(cls)], block_start)) return false;
    }
    return !meet(&c.gate, read_first) && !meet(&c.gate, block_start);
}

} // namespace

std::byte* thread_caches::place_in(std::byte* memory, const void* read_first) noexcept {
    for (std::size_t at = 0; at < page_size; at += alignof(cache_record))
        if (lies_well(*reinterpret_cast<cache_record*>(memory + at), read_first)) return memory + at;
    return memory; // it is as right there
}

} // namespace synk::inline v1::detail
