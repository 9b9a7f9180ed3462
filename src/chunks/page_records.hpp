// What is known about the block that starts at a page: where that stands for each page.
//
// Most processes have all their blocks within a few GiB: the pages around the first chunk have their records in one
// table, found by the page's address alone. Chunks elsewhere have records of their own. Both last for ever.
//
// A record in the table is not 0 only while its page lies in a chunk that has its records there and starts a block: who
// finds the one that must be there (chunk.hpp, block_record) need not ask whose the page is.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/size_class.hpp>

#include "base/zeroed.hpp"

namespace synk::inline v1::detail {

using page_record = atomic<std::uint32_t>;

class page_records {
public:
    // The record of the page that begins at p. Null where no page does, or one that is not near.
    [[nodiscard, gnu::always_inline]] page_record* find(const void* p) noexcept {
        // relaxed: it is set once, before the first chunk is known to anybody, and published with that: by the address
        // map, and with each block. Who does not see it yet has lent nothing, and finds no mark of its own. The bits
        // below a page become the highest.
        const std::uintptr_t distance = reinterpret_cast<std::uintptr_t>(p) - first_.load(memory_order_relaxed);
        const std::uintptr_t at = std::rotr(distance, page_shift);
        return at < size ? &records_[at] : nullptr;
    }

    // The records of the pages of a chunk that begins at `start`, whose address space is the caller's. Null where that
    // is not near.
    [[nodiscard]] page_record* of_chunk(const std::byte* start) noexcept {
        // Linux maps downwards: three quarters are below the first chunk. Of an odd chunk, so never 0. Who comes second
        // finds it chosen.
        std::uintptr_t none = 0;
        if (first_.load(memory_order_relaxed) == none) // relaxed, both: see find()
            first_.compare_exchange_strong(none, (reinterpret_cast<std::uintptr_t>(start) - bytes / 4 * 3) | chunk_size,
                                           memory_order_relaxed, memory_order_relaxed);
        return find(start);
    }

private:
    static constexpr std::uintptr_t bytes = std::uintptr_t{16} << 30; // that are near
    static constexpr std::size_t size = bytes >> page_shift;

    atomic<std::uintptr_t> first_{0}; // the address, of a chunk; 0: none is known yet
    page_record records_[size]{};
};

// The one of the process: 16 MiB of address space, of which a page is touched for each chunk.
extern constinit zeroed<page_records> near_records;

} // namespace synk::inline v1::detail
