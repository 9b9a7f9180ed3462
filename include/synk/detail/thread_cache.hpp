// What one thread keeps for itself, and the hit path of every get and put: this file is what gets inlined.
//
// Ownership: a block in a bin belongs to the cache; whoever is behind the cache's gate (gate.hpp) may take it
// out. Invariants, from behind the gate:
//     (1) count <= limit <= slots_per_bin, and slots[c][0 .. count) are distinct idle blocks of class c;
//     (2) the cache has reserved the sum of limit * pages from the budget of idle memory, so a put that finds
//         count < limit needs to ask nobody.
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

// The same for handles: the bits of a capacity that whole pages leave free carry the class, so that a put need not
// compute it again. A guarded block (hardened mode) is of a class that no cache ever keeps, and exactly as long as was
// asked for: the highest bits carry what is missing to whole pages.
class held_block {
public:
    constexpr held_block() noexcept = default;
    constexpr held_block(std::byte* at, unsigned cls, std::size_t pages) noexcept
        : held_block(at, tag_of(cls, pages)) {}
    constexpr explicit(false) held_block(block b) noexcept
        : data(b.data), tag_(b.data != nullptr ? b.capacity | class_of(b.capacity) : 0) {}

    [[nodiscard]] static constexpr held_block guarded(std::byte* at, std::size_t size) noexcept {
        held_block b(at, guarded_class, (size + page_size - 1) >> page_shift);
        b.tag_ |= (b.capacity() - size) << missing_shift;
        return b;
    }
    [[nodiscard]] constexpr bool is_guarded() const noexcept { return cls() == guarded_class; }

    [[nodiscard]] constexpr std::size_t capacity() const noexcept {
        return (tag_ & pages_mask) - (tag_ >> missing_shift);
    }
    [[nodiscard]] constexpr unsigned cls() const noexcept { return static_cast<unsigned>(tag_ & (page_size - 1)); }
    [[nodiscard]] constexpr block plain() const noexcept { return {data, capacity()}; }

    // What a bin keeps once for all its blocks: their class and capacity.
    [[nodiscard]] static constexpr std::uint64_t tag_of(unsigned cls, std::size_t pages) noexcept {
        return pages << page_shift | cls;
    }
    [[nodiscard, gnu::always_inline]] static held_block tagged(std::byte* at, std::uint64_t tag) noexcept {
        return {at, tag};
    }

    std::byte* data = nullptr;

private:
    constexpr held_block(std::byte* at, std::uint64_t tag) noexcept : data(at), tag_(tag) {}

    static constexpr unsigned guarded_class = class_limit - 1;
    static constexpr unsigned missing_shift = 64 - page_shift;
    static constexpr std::size_t pages_mask = (std::size_t{1} << missing_shift) - page_size;
    static_assert(class_limit <= page_size, "a class fits into the bits that a capacity leaves free");
    static_assert(class_of(max_block_size) < guarded_class && max_block_size >> missing_shift == 0);

    std::size_t tag_ = 0; // bytes missing to whole pages << 52 | whole pages in bytes | class
};

inline constexpr unsigned slots_per_bin = 64;

// A bin: how many blocks of one class lie in it, and how many gets it has served, in one word, so that a get
// changes both by one addition.
struct cache_bin {
    static constexpr std::uint64_t one_block = 1;
    static constexpr std::uint64_t count_mask = 0xFF;
    static constexpr std::uint64_t one_hit = count_mask + 1;

    // Count in the low byte, hits above. One writer at a time, behind the gate, whose edges hand it over: so
    // relaxed. Others (statistics) read a recent value.
    atomic<std::uint64_t> word{0};
    std::uint64_t tag = 0; // of its blocks, see held_block; 0 in classes that are never cached

    [[nodiscard]] unsigned count() const noexcept {
        return static_cast<unsigned>(word.load(memory_order_relaxed) & count_mask);
    }
    [[nodiscard]] std::uint64_t hits() const noexcept { return word.load(memory_order_relaxed) / one_hit; }
    void add(std::uint64_t what) noexcept { word.store(word.load(memory_order_relaxed) + what, memory_order_relaxed); }
};
static_assert(slots_per_bin < cache_bin::one_hit, "a count never runs into the hits");
#ifndef SYNK_ATOMIC_HEADER // whose atomics are longer
static_assert(sizeof(cache_bin) == 16, "the hit path finds a bin by a shift");
#endif

// What every thread has of a cache, even without one: then its gate never opens.
struct cache_entrance {
    cache_gate gate;
};

struct alignas(64) thread_cache : cache_entrance {
    cache_bin bins[class_limit];
    std::uint8_t limits[class_limit] = {};               // blocks that a bin may hold now; 0 until a put made room
    std::byte* slots[cached_class_count][slots_per_bin]; // a stack a class: the block put last is got first

    // g++ folds a size of 0 to the class whose bin is always empty, and warns of the row that it never reaches.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"

    // Both from behind the gate. False: the bin is empty, or full.
    [[nodiscard, gnu::always_inline]] bool pop(unsigned cls, held_block& out) noexcept {
        cache_bin& bin = bins[cls];
        const std::uint64_t word = bin.word.load(memory_order_relaxed);
        const std::uint64_t count = word & cache_bin::count_mask;
        if (count == 0) [[unlikely]]
            return false;
        bin.word.store(word + cache_bin::one_hit - cache_bin::one_block, memory_order_relaxed);
        out = held_block::tagged(slots[cls][count - 1], bin.tag);
        return true;
    }

    [[nodiscard, gnu::always_inline]] bool push(unsigned cls, std::byte* data) noexcept {
        cache_bin& bin = bins[cls];
        const std::uint64_t word = bin.word.load(memory_order_relaxed);
        const std::uint64_t count = word & cache_bin::count_mask;
        if (count == limits[cls]) [[unlikely]]
            return false;
        slots[cls][count] = data;
        bin.word.store(word + cache_bin::one_block, memory_order_relaxed);
        return true;
    }

#pragma GCC diagnostic pop
};

// This thread's cache: a thread_cache where the gate lets one in. Before its first use of the pool and after the
// thread's end has given it back it is no_cache, so that a hit need not ask.
// initial-exec: 8 bytes, one load, no call, and small enough for the static TLS reserve of a dlopen.
extern SYNK_API constinit cache_entrance no_cache;
extern SYNK_API constinit thread_local cache_entrance* this_thread_cache [[gnu::tls_model("initial-exec")]];

SYNK_API held_block get_slow(std::size_t n);              // throws std::length_error, std::bad_alloc
SYNK_API held_block try_get_slow(std::size_t n) noexcept; // an empty block instead
SYNK_API void put_slow(held_block b) noexcept;

// False when the thread's cache has none, or nobody may look into it now.
[[nodiscard, gnu::always_inline]] inline bool get_cached(std::size_t n, held_block& out) noexcept {
    cache_entrance* const cache = this_thread_cache;
    if (!cache->gate.enter()) [[unlikely]]
        return false;
    // Of 0 the class wraps to the last bin, which is always empty.
    const bool found = static_cast<thread_cache*>(cache)->pop(class_of_positive(n), out);
    cache->gate.leave();
    if (found && out.data == nullptr) __builtin_unreachable(); // so that the handle need not look
    return found;
}

[[nodiscard, gnu::always_inline]] inline held_block get(std::size_t n) {
    held_block b;
    if (get_cached(n, b)) [[likely]]
        return b;
    return get_slow(n);
}

[[nodiscard, gnu::always_inline]] inline held_block try_get(std::size_t n) noexcept {
    held_block b;
    if (get_cached(n, b)) [[likely]]
        return b;
    return try_get_slow(n);
}

[[gnu::always_inline]] inline void put(held_block b) noexcept {
    cache_entrance* const cache = this_thread_cache;
    if (cache->gate.enter()) [[likely]] {
        const bool kept = static_cast<thread_cache*>(cache)->push(b.cls(), b.data);
        cache->gate.leave();
        if (kept) [[likely]]
            return;
    }
    put_slow(b);
}

// Growing: a block of at least n bytes that begins with the first `used` bytes of b, which is gone. Large
// blocks move by page tables, not by copying. Throws like get_slow, and then b is still the caller's.
SYNK_API held_block regrow(held_block b, std::size_t used, std::size_t n);

// Bare pointers (allocate, release, the C interface). `lend_bare` marks the block as lent without a handle,
// `take_bare` ends the process unless data is the start of a block so marked, and unmarks it.
SYNK_API void lend_bare(std::byte* data) noexcept;
SYNK_API held_block take_bare(void* data) noexcept;

} // namespace detail
} // namespace v1
} // namespace synk
