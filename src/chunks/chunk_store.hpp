// All chunks: blocks of up to 4 MiB come from here and end here.
//
// Thread safety: every function from any thread, lock-free.
// The store knows nothing of the budget of idle memory: it tells its caller how many bytes of free, possibly
// resident pages came or went, and the caller does the accounts.
#pragma once

#include <cstddef>

#include "chunks/ageing.hpp"
#include "chunks/chunk.hpp"

namespace synk::inline v1::detail {

// What a claim brought: `count` blocks, how many bytes of them were resident idle memory until now, and how many bytes
// became resident idle memory beside them.
struct claimed_blocks {
    unsigned count = 0;
    std::size_t warm_bytes = 0;
    std::size_t warmed_bytes = 0;
};

class chunk_store {
public:
    // Cuts up to `want` blocks of this class out of free pages into out[]; none when no free run is long
    // enough.
    [[nodiscard]] static claimed_blocks claim(unsigned cls, std::byte** out, unsigned want) noexcept;

    // The same out of pages that have memory behind them all, of the shortest of a few such runs; none when none is
    // found in some chunks, whose longest runs are not much longer.
    [[nodiscard]] static claimed_blocks claim_resident(unsigned cls, std::byte** out, unsigned want) noexcept;
    // The same, however long those runs are.
    [[nodiscard]] static claimed_blocks claim_long_resident(unsigned cls, std::byte** out, unsigned want) noexcept;
    // Bytes of free pages in all chunks, and of those among them that have no memory. Of counters that are read one
    // after another: they may be off for a moment.
    [[nodiscard]] static std::size_t free_bytes() noexcept;
    [[nodiscard]] static std::size_t cold_bytes() noexcept;
    // Whether more than a third of the address space is free and without memory. What is cut for the memory behind it
    // makes it more: then the chunks with the least room come first again.
    [[nodiscard]] static bool is_sparse() noexcept;
    // One such block, of whose pages as few as possible have no memory; none where none would have any.
    [[nodiscard]] static claimed_blocks claim_least_gone(unsigned cls, std::byte** out) noexcept;

    // One such block out of the chunk in which one that free_near() was given on this processor last became free pages:
    // the processor's caches may still have them. None when there is no room.
    [[nodiscard]] static claimed_blocks claim_near(unsigned cls, std::byte** out) noexcept;

    // The same from a chunk that is new from the system. None when the system has no memory.
    [[nodiscard]] static claimed_blocks claim_new(unsigned cls, std::byte** out, unsigned want) noexcept;

    // Blocks that claim() gave: their pages are free again, at once and for any use. Their memory stays. Returns the
    // class of the longest free run in the last one's chunk; chunk::unlisted when others have taken all of it
    // meanwhile, or there are no blocks.
    static unsigned free(std::byte* const* items, unsigned n) noexcept;
    static unsigned free(std::byte* data) noexcept { return free(&data, 1); }
    static void free_near(std::byte* data) noexcept; // see claim_near
    // The same of one, its memory given back to the system first where the system allows it. Returns the bytes that
    // stay resident all the same.
    static std::size_t free_gone(std::byte* data) noexcept;

    // Gives the memory of free pages back, whole huge pages first, until `bytes` are given back or none is left, or the
    // system has refused `patience` times and given nothing. Returns the bytes given back.
    static std::size_t purge(std::size_t bytes, std::size_t patience = without_end) noexcept;
    static constexpr std::size_t without_end = ~std::size_t{0};

    // For memory whose advice is refused (it is locked): unmaps chunks that are wholly free and not gone, until `bytes`
    // of them went or none is left. Returns the bytes.
    static std::size_t unmap_resident(std::size_t bytes) noexcept;

    // One step down the ladder for pages that stayed free: see `ageing`. Returns the bytes that went.
    static std::size_t age(const ageing& how) noexcept;
    // Turns weak pages into gone ones. Returns the bytes.
    static std::size_t drop_weak() noexcept;

    // Gives the address space of chunks that are wholly free back. Returns the bytes of them that were warm.
    static std::size_t unmap_free() noexcept;

    // In the child of a fork: counts and lists anew what is free and resident. What another thread was at then is
    // nobody's.
    static void recount() noexcept;
};

} // namespace synk::inline v1::detail
