// What all threads share: the channels, and behind them the chunks and the large blocks, with the budget of
// idle memory kept. Two verbs, in batches.
//
// Thread safety: every function from any thread; lock-free but for the system calls that new address space
// costs.
#pragma once

#include <cstddef>

#include <synk/detail/thread_cache.hpp>

#include "chunks/chunk_store.hpp"

namespace synk::inline v1::detail {

// What a get brought: `count` blocks, and how many bytes without memory behind them came into use by it. Beside the one
// block that is about to be lent: the other blocks, and the rest of a huge page.
struct found_blocks {
    unsigned count = 0;
    std::size_t cold_bytes = 0;
    std::size_t beside_bytes = 0;
};

class shared_store {
public:
    // Up to `want` blocks of a chunk class into out[]. The first is the caller's to lend; the others come
    // with a reservation of the budget, for the caller's cache. None when only new memory from the system would
    // help.
    [[nodiscard]] static found_blocks get(unsigned cls, std::byte** out, unsigned want) noexcept;
    // The same, but only what threads have passed on by the class's channel; how many.
    [[nodiscard]] static unsigned get_passed_on(unsigned cls, std::byte** out, unsigned want) noexcept;
    // The same as get() out of chunks alone, of memory that is resident; none when that is in too short pieces, or in
    // too long ones.
    [[nodiscard]] static found_blocks get_resident(unsigned cls, std::byte** out, unsigned want) noexcept;
    // The same, also where a much longer run has to be cut.
    [[nodiscard]] static found_blocks get_long_resident(unsigned cls, std::byte** out, unsigned want) noexcept;
    // One such block, of memory that is resident for the most part; none where address space is sparse.
    [[nodiscard]] static found_blocks get_least_gone(unsigned cls, std::byte** out) noexcept;
    // One such block, of where put_near() brought one on this processor last.
    [[nodiscard]] static found_blocks get_near(unsigned cls, std::byte** out) noexcept;
    // The same out of new memory from the system; none when it refuses.
    [[nodiscard]] static found_blocks get_new(unsigned cls, std::byte** out, unsigned want) noexcept;

    // An idle large block of n to 2n bytes, or none; a new one from the system, or none.
    [[nodiscard]] static block get_large(std::size_t n) noexcept;
    [[nodiscard]] static block get_new_large(std::size_t n) noexcept;

    // Takes a block of any size without a reservation. What the budget has no room for goes back to the system.
    static void put(block b) noexcept;
    // The same of a block of a chunk class, which becomes free pages without a rest in the channel: see get_near().
    static void put_near(block b) noexcept;
    // Takes n blocks of a class that come with their reservations. What the class's channel has no room for becomes
    // free pages, or makes way for them: other classes' blocks do, where there are more of those.
    static void put_reserved(unsigned cls, std::byte* const* items, unsigned n) noexcept;
    // The same for blocks that were idle for long: past the channel.
    static void put_idle(unsigned cls, std::byte* const* items, unsigned n) noexcept;
    // Blocks of a chunk class with their reservations become free pages, without a rest in the channel. Whether the
    // last one's chunk has a free run long enough for a block of class `wanted` now.
    static bool put_pages(std::byte* const* items, unsigned n, unsigned wanted = 0) noexcept;
    // Cuts an idle block of a larger class than cls into free pages. False when no channel has one.
    [[nodiscard]] static bool split_from_channel(unsigned cls) noexcept;
    // Turns shorter blocks in the channels into free pages, the longest first, until a chunk that got one back has a
    // free run long enough for this class. Returns a place in that chunk; null when none has.
    [[nodiscard]] static const std::byte* restore_from_channels(unsigned cls) noexcept;
    // Turns blocks in the channels into free pages that are shorter than this class and lie in the chunk of this place.
    static void free_from_channels_beside(const std::byte* place, unsigned cls) noexcept;
    // Turns all blocks in the channels into free pages, whole again with their neighbours.
    static void empty_channels() noexcept;

    // Gives free pages and shelved blocks back to the system, until `bytes` went or none are left, or as chunk_store
    // says. Returns the bytes.
    static std::size_t purge(std::size_t bytes, std::size_t patience = chunk_store::without_end) noexcept;
    // For who gets or puts: locked memory is refused run by run, at each of them.
    static constexpr std::size_t few_refusals = 8;
    // Gives back address space too, as far as it is wholly free. Returns the bytes that were resident.
    static std::size_t unmap_free() noexcept;

    // One step down the ladder for all that stayed idle since the last call. Returns the bytes that went.
    static std::size_t age(const ageing& how) noexcept;
    // What is weak loses its memory: a fork would make the system keep it. Returns the bytes.
    static std::size_t drop_weak() noexcept;

    // In the child of a fork: what is reserved is what lies in caches (`cached` bytes) and, as it is found, elsewhere.
    static void recount(std::size_t cached, std::size_t quarantined) noexcept;

    // Bytes in all channels, of classes below `end`.
    [[nodiscard]] static std::size_t channel_bytes(unsigned end = chunk_class_count) noexcept;
};

} // namespace synk::inline v1::detail
