// A small system and a store of chunks in a known state, for worlds of the store and of who visits it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/settings.hpp"
#include "chunks/chunk_store.hpp"
#include "explorer/payloads.hpp"
#include "pages/system.hpp"

namespace synk_explorer {

namespace detail = synk::detail;

inline constexpr unsigned regions = 3;
inline payloads<regions * detail::chunk_pages> pages;

// A system with room for three chunks. Advice on a page, and unmapping it, are uses of it by who calls.
class small_system {
public:
    small_system() {
        memory_ = static_cast<std::byte*>(std::aligned_alloc(detail::chunk_size, regions * detail::chunk_size));
        calls_ = detail::linux_calls;
        calls_.map = map;
        calls_.unmap = unmap;
        calls_.advise = advise;
        calls_.processor = []() noexcept { return 0U; };
        detail::the_system.store(&calls_);
    }
    static unsigned page_of(const void* at) {
        const std::ptrdiff_t distance = static_cast<const std::byte*>(at) - memory_;
        return static_cast<unsigned>(distance / std::ptrdiff_t{detail::page_size});
    }
    static inline void (*on_advice)() = nullptr; // what a world wants to happen then

private:
    // The kernel's lock orders a mapping behind the end of the one before: acq_rel.
    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        if (size != detail::chunk_size) return detail::linux_calls.map(size, accessible, wish); // records
        for (unsigned r = 0; r < regions; ++r)
            if (!mapped_[r].exchange(true, std::memory_order_acq_rel)) return memory_ + r * detail::chunk_size;
        return nullptr;
    }
    static bool unmap(void* at, std::size_t size) noexcept {
        pages.use(page_of(at), static_cast<unsigned>(size / detail::page_size));
        mapped_[page_of(at) / detail::chunk_pages].store(false, std::memory_order_release);
        return true;
    }
    static bool advise(void* at, std::size_t size, detail::advice what) noexcept {
        if (on_advice != nullptr) on_advice();
        if (what != detail::advice::huge && what != detail::advice::no_huge)
            pages.use(page_of(at), static_cast<unsigned>(size / detail::page_size));
        return true;
    }

    static inline std::byte* memory_;
    static inline detail::atomic<bool> mapped_[regions];
    static inline detail::system_calls calls_;
};

inline constexpr unsigned block_pages = 16;
inline constexpr unsigned block_class = detail::class_of(block_pages * detail::page_size);
inline constexpr unsigned blocks_in_chunk = detail::chunk_pages / block_pages;
constexpr detail::ageing a_visit(std::uint64_t now) { return {now, 1000, true}; }

// The state that every schedule starts from. One chunk has six free blocks: two that were found free before (and are
// made weak by the next visit), two that are weak, two that are gone; the others are lent. Another is free as a whole
// and weak.
struct prepared_store {
    small_system system;
    std::byte* block[blocks_in_chunk];

    prepared_store() {
        synk::options o;
        o.huge = synk::huge_pages::off;
        detail::the_settings.set(o);
        fill(block);
        std::byte* other[blocks_in_chunk];
        fill(other);
        detail::chunk_store::free(other, blocks_in_chunk);
        detail::chunk_store::free(block + 2, 2);
        detail::chunk_store::age(a_visit(1)); // they are found free
        detail::chunk_store::age(a_visit(2)); // they are weak, and so is the other chunk
        for (const unsigned i : {4U, 5U}) static_cast<void>(detail::chunk_store::free_gone(block[i]));
        for (const unsigned i : {0U, 1U}) detail::chunk_store::free(block[i]);
        detail::chunk_store::age(a_visit(3));
    }

private:
    static void fill(std::byte** out) {
        const detail::claimed_blocks got = detail::chunk_store::claim_new(block_class, out, blocks_in_chunk);
        if (got.count != blocks_in_chunk) std::abort();
    }
};

// Made once, outside of schedules.
inline const prepared_store& start() {
    static const prepared_store once;
    return once;
}

} // namespace synk_explorer
