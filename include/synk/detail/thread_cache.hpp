// What one thread keeps for itself, and the hit path of every get and put: this file is what gets inlined.
//
// Ownership: a block in a bin belongs to the cache; whoever is behind the cache's gate (gate.hpp) may take it
// out. Invariants, from behind the gate, for each class by itself:
//     (1) count <= limit <= slots_of(c), and row(c)[0 .. count) are distinct idle blocks of class c;
//     (2) the cache has reserved the sum of limit * pages from the budget of idle memory, so a put that finds
//         count < limit needs to ask nobody.
// Nothing here allocates, and nothing here knows whether a block is a run of pages or a large mapping.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/config.hpp>
#include <synk/detail/gate.hpp>
#include <synk/detail/put_bias.hpp>
#include <synk/detail/size_class.hpp>
#include <synk/detail/size_map.hpp>

namespace synk {
inline namespace v1 {
namespace detail {

// A block on its way: who holds this holds the block. data == nullptr means none.
struct block {
    std::byte* data = nullptr;
    std::size_t capacity = 0; // bytes, whole pages
};

// The same for handles: the bits of a capacity that whole pages leave free carry the bin, so that a put need not
// compute it again. A guarded block (hardened mode) is of a class that no cache ever keeps, and exactly as long as was
// asked for: the highest bits carry what is missing to whole pages.
class held_block {
public:
    constexpr held_block() noexcept = default;
    constexpr held_block(std::byte* at, unsigned cls, std::size_t pages) noexcept
        : held_block(at, tag_of(cls, pages)) {}
    constexpr explicit(false) held_block(block b) noexcept
        : data(b.data), tag_(b.data != nullptr ? b.capacity | bin_of(class_of(b.capacity)) : 0) {}

    [[nodiscard]] static constexpr held_block guarded(std::byte* at, std::size_t size) noexcept {
        held_block b(at, guarded_class, (size + page_size - 1) >> page_shift);
        b.tag_ |= (b.capacity() - size) << missing_shift;
        return b;
    }
    [[nodiscard]] constexpr bool is_guarded() const noexcept { return bin() == bin_of(guarded_class); }

    [[nodiscard]] constexpr std::size_t capacity() const noexcept {
        return (tag_ & pages_mask) - (tag_ >> missing_shift);
    }
    // The same of a block that is known not to be guarded.
    [[nodiscard]] constexpr std::size_t whole_pages() const noexcept { return tag_ & pages_mask; }
    [[nodiscard]] constexpr std::size_t bin() const noexcept { return tag_ & (page_size - 1); }
    [[nodiscard]] constexpr block plain() const noexcept { return {data, capacity()}; }

    // What a bin keeps once for all its blocks: its number and their capacity.
    [[nodiscard]] static constexpr std::uint64_t tag_of(unsigned cls, std::size_t pages) noexcept {
        return pages << page_shift | bin_of(cls);
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
    static_assert(bin_limit <= page_size, "a bin fits into the bits that a capacity leaves free");
    static_assert(class_of(max_block_size) < guarded_class && max_block_size >> missing_shift == 0);

    std::size_t tag_ = 0; // bytes missing to whole pages << 52 | whole pages in bytes | bin
};

// All bins' blocks lie in one array of slots, a row for each class. Before a row stands a slot that is always null:
// what a get finds at the top of an empty bin. The classes that are never cached share the first row's.
//
// Where the rows begin keeps the first slots of each row from lying a multiple of 4096 bytes from the same bin's word,
// tag or limit: a load that follows a store to such an address waits for it. And of the pages that the tiers' rows
// begin on no three share a place among the translations that a processor has at hand: where they did, gets and puts of
// all tiers in turn took 1.17 times as long. Nor does a tier's row begin with a line of memory: gets and puts of that
// tier took 1.1 times as long then. Both numbers were found by trying (tests/cores/thread_cache_test.cpp).
inline constexpr unsigned slots_before_rows = 17;
inline constexpr unsigned slots_between_rows = 64;

// 128 MiB worth of blocks; of the shortest fewer, of the longest two.
[[nodiscard]] constexpr unsigned slots_of(unsigned cls) noexcept {
    if (cls >= cached_class_count) return 0;
    const std::size_t fit = (std::size_t{128} << 20) / class_bytes(cls);
    return fit < 2 ? 2 : fit < 3072 ? static_cast<unsigned>(fit) : 3072;
}

struct row_table {
    std::uint16_t first[class_limit] = {};
    unsigned end = 0;
};
inline constexpr row_table rows = [] {
    row_table table;
    unsigned at = slots_before_rows + 1;
    for (unsigned cls = 0; cls < cached_class_count; ++cls) {
        table.first[cls] = static_cast<std::uint16_t>(at);
        table.end = at + slots_of(cls);
        at = table.end + slots_between_rows + 1;
    }
    for (unsigned cls = cached_class_count; cls < class_limit; ++cls) table.first[cls] = table.first[0];
    return table;
}();
[[nodiscard]] constexpr unsigned first_slot(unsigned cls) noexcept { return rows.first[cls]; }
inline constexpr unsigned slot_count = rows.end;

// A bin: where it ends now, as an index of the slot behind the top block, and how many gets it has served, in one word,
// so that a get changes both by one addition.
struct cache_bin {
    static constexpr std::uint64_t one_block = 1;
    static constexpr std::uint64_t end_mask = 0xFFFF;
    static constexpr std::uint64_t one_hit = end_mask + 1;

    // The end in the low bits, hits above. One writer at a time, behind the gate, whose edges hand it over: so
    // relaxed. Others (statistics) read a recent value.
    atomic<std::uint64_t> word{0};

    [[nodiscard]] unsigned end() const noexcept {
        return static_cast<unsigned>(word.load(memory_order_relaxed) & end_mask);
    }
    [[nodiscard]] std::uint64_t hits() const noexcept { return word.load(memory_order_relaxed) / one_hit; }
    void add(std::uint64_t what) noexcept { word.store(word.load(memory_order_relaxed) + what, memory_order_relaxed); }
};
static_assert(slot_count < cache_bin::one_hit, "an end never runs into the hits");
#ifndef SYNK_ATOMIC_HEADER // whose atomics are longer
static_assert(sizeof(cache_bin) == 8, "the hit path finds a bin by an index that the processor scales");
#endif

// What every thread has of a cache, even without one: then its gate never opens.
struct cache_entrance {
    cache_gate gate;
    put_bias bias{};
};

// The arrays go by a bin's number, which is that of a part behind the gate; everything else goes by its class.
struct alignas(64) thread_cache : cache_entrance {
    std::uint64_t tags[bin_limit]; // of their blocks, see held_block; 0 in classes that are never cached
    cache_bin bins[bin_limit];
    std::uint16_t limits[bin_limit]; // the slot that a bin's end may reach now; its first until a put made room
    std::byte* slots[slot_count];    // the block put last is got first

    // Before anything else, once. The cache stands in zeroed memory (record_store.hpp), which the null before each row
    // is part of: to write all slots would be many pages for a thread that may use one.
    void set_up() noexcept {
        for (unsigned cls = 0; cls < class_limit; ++cls) {
            tags[bin_of(cls)] = cls < cached_class_count ? held_block::tag_of(cls, class_pages(cls)) : 0;
            bin(cls).word.store(first_slot(cls), memory_order_relaxed); // relaxed: who publishes the cache orders it
            set_limit(cls, 0);
        }
    }

    [[nodiscard]] cache_bin& bin(unsigned cls) noexcept { return bins[bin_of(cls)]; }
    [[nodiscard]] const cache_bin& bin(unsigned cls) const noexcept { return bins[bin_of(cls)]; }
    // Blocks of a class that are there, and that may be there: a recent value for those who are not behind the gate.
    [[nodiscard]] unsigned count(unsigned cls) const noexcept { return bin(cls).end() - first_slot(cls); }
    [[nodiscard]] unsigned limit(unsigned cls) const noexcept { return limits[bin_of(cls)] - first_slot(cls); }
    void set_limit(unsigned cls, unsigned blocks) noexcept {
        limits[bin_of(cls)] = static_cast<std::uint16_t>(first_slot(cls) + blocks);
    }
    // The slots of a class that is cached; the block that was put first comes first.
    [[nodiscard]] std::byte** row(unsigned cls) noexcept { return slots + first_slot(cls); }

    // All from behind the gate. False: the bin is empty, or full.
    [[nodiscard, gnu::always_inline]] bool pop_bin(std::size_t number, held_block& out) noexcept {
        const std::uint64_t word = bins[number].word.load(memory_order_relaxed);
        std::byte* const top = slots[(word & cache_bin::end_mask) - 1];
        if (top == nullptr) [[unlikely]]
            return false;
        bins[number].word.store(word + cache_bin::one_hit - cache_bin::one_block, memory_order_relaxed);
        out = held_block::tagged(top, tags[number]);
        return true;
    }
    [[nodiscard, gnu::always_inline]] bool push_bin(std::size_t number, std::byte* data) noexcept {
        const std::uint64_t word = bins[number].word.load(memory_order_relaxed);
        const std::uint64_t end = word & cache_bin::end_mask;
        if (end == limits[number]) [[unlikely]]
            return false;
        slots[end] = data;
        bins[number].word.store(word + cache_bin::one_block, memory_order_relaxed);
        return true;
    }
    [[nodiscard]] bool pop(unsigned cls, held_block& out) noexcept { return pop_bin(bin_of(cls), out); }
    [[nodiscard]] bool push(unsigned cls, std::byte* data) noexcept { return push_bin(bin_of(cls), data); }
};

// Where every hit of a thread begins: one line of memory, for the blocks that caches hold. Which bin serves a size
// stands here and not in the cache, or a hit would wait for the one load before the other.
struct alignas(64) hit_start {
    // A thread_cache where the gate lets one in. Before the thread's first use of the pool and after its end has given
    // it back it is no_cache, so that a hit need not ask.
    cache_entrance* cache;
    size_map sizes;
};
static_assert(sizeof(hit_start) == 128, "the static TLS reserve is shared with all that a program loads");

extern SYNK_API constinit cache_entrance no_cache;
// initial-exec: one load, no call, and small enough for the static TLS reserve of a dlopen.
extern SYNK_API constinit thread_local hit_start this_thread_start[[gnu::tls_model("initial-exec") SYNK_TAG_OF_TSAN]];

SYNK_API held_block get_slow(std::size_t n);              // throws std::length_error, std::bad_alloc
SYNK_API held_block try_get_slow(std::size_t n) noexcept; // an empty block instead
SYNK_API void put_slow(held_block b) noexcept;

// False when the calling thread's cache has none, or nobody may look into it now.
[[nodiscard, gnu::always_inline]] inline bool get_cached(cache_entrance* cache, unsigned bin,
                                                         held_block& out) noexcept {
    if (!cache->gate.enter(bin)) [[unlikely]]
        return false;
    const bool found = static_cast<thread_cache*>(cache)->pop_bin(bin, out);
    cache->gate.leave();
    return found;
}

[[nodiscard, gnu::always_inline]] inline held_block get(std::size_t n) {
    held_block b;
    if (get_cached(this_thread_start.cache, this_thread_start.sizes.bin_for(n), b)) [[likely]]
        return b;
    return get_slow(n);
}

[[nodiscard, gnu::always_inline]] inline held_block try_get(std::size_t n) noexcept {
    held_block b;
    if (get_cached(this_thread_start.cache, this_thread_start.sizes.bin_for(n), b)) [[likely]]
        return b;
    return try_get_slow(n);
}

// False when the bin is full, as that of a class that is never cached always is, or nobody may look into it now.
[[nodiscard, gnu::always_inline]] inline bool put_cached(std::byte* data, std::size_t bin) noexcept {
    cache_entrance* const cache = this_thread_start.cache;
    if (!cache->gate.enter(static_cast<unsigned>(bin))) [[unlikely]]
        return false;
    const bool kept = static_cast<thread_cache*>(cache)->push_bin(bin, data);
    cache->gate.leave();
    return kept;
}

[[gnu::always_inline]] inline void put(held_block b) noexcept {
    if (!put_cached(b.data, b.bin())) [[unlikely]]
        put_slow(b);
}

// Another length: a block of at least n bytes that begins with the first `used` bytes of b, used <= n, and b is gone.
// Large blocks grow by page tables or into an idle block that is longer. Throws like get_slow, or returns an empty
// block; then b is still the caller's.
SYNK_API held_block regrow(held_block b, std::size_t used, std::size_t n);
SYNK_API held_block try_regrow(held_block b, std::size_t used, std::size_t n) noexcept;

// Bare pointers (allocate, release, the C interface): a block lent without a handle, which its record says.
SYNK_API void* get_bare(std::size_t n); // as get_slow
SYNK_API void* try_get_bare(std::size_t n) noexcept;
SYNK_API void lend_bare(std::byte* data) noexcept; // what a handle held is lent so from now on
// Anything but the start of a block so lent ends the process, and so does an n that the block never had. Null is a
// no-op in put_bare.
SYNK_API held_block take_bare(const char* verb, void* data) noexcept; // it is the caller's; the verb is for the line
SYNK_API void put_bare(void* data) noexcept;
SYNK_API void put_bare(void* data, std::size_t n) noexcept;

} // namespace detail
} // namespace v1
} // namespace synk
