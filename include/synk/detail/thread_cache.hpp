// What one thread keeps for itself, and the hit path of every get and put: this file is what gets inlined.
//
// Ownership: a block in a bin belongs to the cache; whoever is behind the cache's gate (gate.hpp) may take it out.
// Invariants, with the gate closed or from inside:
//     (1) bin.count <= bin.limit <= slots_per_bin, and slots[c][0 .. count) are distinct idle blocks of class c;
//     (2) idle bytes = sum of count * class_bytes(c);
//     (3) room >= 0, and idle bytes + room = what the cache has reserved from the budget of idle memory.
// Nothing here allocates, and nothing here knows whether a block is a run of pages or a large mapping.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/config.hpp>
#include <synk/detail/gate.hpp>
#include <synk/detail/size_class.hpp>

namespace synk {
inline namespace v1 {
namespace detail {

// A block on its way: who holds this holds the block. data == nullptr means none.
struct block {
    std::byte* data = nullptr;
    std::size_t capacity = 0; // bytes, whole pages
};

inline constexpr unsigned slots_per_bin = 64;

struct alignas(64) thread_cache {
    struct bin {
        std::uint32_t count = 0;    // blocks in the bin
        std::uint32_t limit = 0;    // blocks it may hold; 0 for classes that are never cached
        atomic<std::uint64_t> hits{0}; // gets served from here; written by the owner, read by stats()
    };

    cache_gate gate;
    atomic<std::int64_t> room{0}; // bytes that may still be put here; written behind the gate, read by stats()

    bin bins[class_limit];
    std::byte* slots[cached_class_count][slots_per_bin]; // a stack a class: the block put last is got first

    // Both are called behind the gate. relaxed throughout: these words have one writer at a time, handed over by the
    // gate's edges; other readers (stats, the budget) want a recent value, not an exact one.
    [[nodiscard, gnu::always_inline]] std::byte* pop(unsigned cls, std::size_t bytes) noexcept {
        bin& from = bins[cls];
        if (from.count == 0) [[unlikely]]
            return nullptr;
        std::byte* const data = slots[cls][--from.count];
        from.hits.store(from.hits.load(memory_order_relaxed) + 1, memory_order_relaxed);
        room.store(room.load(memory_order_relaxed) + static_cast<std::int64_t>(bytes), memory_order_relaxed);
        return data;
    }

    [[nodiscard, gnu::always_inline]] bool push(unsigned cls, std::byte* data, std::size_t bytes) noexcept {
        bin& into = bins[cls];
        const std::int64_t left = room.load(memory_order_relaxed) - static_cast<std::int64_t>(bytes);
        if (into.count == into.limit || left < 0) [[unlikely]]
            return false;
        slots[cls][into.count++] = data;
        room.store(left, memory_order_relaxed);
        return true;
    }
};

// This thread's cache; null before its first use of the pool and after the thread's end has given it back.
// initial-exec: 8 bytes, one load, no call, and small enough for the static TLS reserve of a dlopen.
extern SYNK_API constinit thread_local thread_cache* this_thread_cache [[gnu::tls_model("initial-exec")]];

SYNK_API block get_slow(std::size_t n);              // throws std::length_error, std::bad_alloc
SYNK_API block try_get_slow(std::size_t n) noexcept; // an empty block instead
SYNK_API void put_slow(block b) noexcept;

[[nodiscard, gnu::always_inline]] inline block get_cached(std::size_t n) noexcept {
    thread_cache* const cache = this_thread_cache;
    if (cache == nullptr || !cache->gate.enter()) [[unlikely]]
        return {};
    const unsigned cls = class_of(n);
    const std::size_t bytes = class_bytes(cls);
    std::byte* const data = cache->pop(cls, bytes);
    cache->gate.leave();
    return {data, bytes};
}

[[nodiscard, gnu::always_inline]] inline block get(std::size_t n) {
    const block b = get_cached(n);
    return b.data != nullptr ? b : get_slow(n);
}

[[nodiscard, gnu::always_inline]] inline block try_get(std::size_t n) noexcept {
    const block b = get_cached(n);
    return b.data != nullptr ? b : try_get_slow(n);
}

[[gnu::always_inline]] inline void put(block b) noexcept {
    thread_cache* const cache = this_thread_cache;
    if (cache != nullptr && cache->gate.enter()) [[likely]] {
        const bool kept = cache->push(class_of(b.capacity), b.data, b.capacity);
        cache->gate.leave();
        if (kept) [[likely]]
            return;
    }
    put_slow(b);
}

// Growing: a block of at least n bytes that begins with the first `used` bytes of b, which is gone. Large blocks move
// by page tables, not by copying. Throws like get_slow, and then b is still the caller's.
SYNK_API block regrow(block b, std::size_t used, std::size_t n);

// Bare pointers (allocate, release, the C interface). `lend_bare` marks the block as lent without a handle,
// `take_bare` ends the process unless data is the start of a block so marked, and unmarks it.
SYNK_API void lend_bare(std::byte* data) noexcept;
SYNK_API block take_bare(void* data) noexcept;

} // namespace detail
} // namespace v1
} // namespace synk
