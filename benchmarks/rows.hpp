// The rows: ways to get a buffer and to put it back, all with the same two verbs.
//
// A row is a type without state of its own:
//     name                  what the tables call it
//     held                  what a user holds between get and put
//     get(n) -> held        a buffer of at least n bytes; throws std::bad_alloc
//     put(held&&)           gives it back
//     data(held&)           its first byte
//     calls_per_get         how many times each get calls an allocator whatever happens
//     calls()               how many times more it did so far, over all threads
// Get, put and data are inlined wherever they are called. Left to itself the compiler does that in one loop and not in
// the next one, as long as the function around it already is, and a row's figure would depend on that.
// One more allocator is one more type here and one more name in the list at the end.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <string_view>
#include <utility>

#include <synk/pool.hpp>

#include "measure.hpp"

namespace bench {

template <class R>
concept row = requires(std::size_t n, typename R::held h) {
    { R::name } -> std::convertible_to<std::string_view>;
    { R::get(n) } -> std::same_as<typename R::held>;
    { R::put(std::move(h)) }
    noexcept;
    { R::data(h) } -> std::same_as<std::byte*>;
    { R::calls_per_get } -> std::convertible_to<unsigned>;
    { R::calls() } -> std::same_as<std::uint64_t>;
};

// Gets of the pool that needed new memory from the system.
[[nodiscard]] std::uint64_t pool_misses();

// What is common to the rows that take from the pool.
struct pooled {
    using held = synk::bytes;
    static constexpr unsigned calls_per_get = 0;
    static std::uint64_t calls() { return pool_misses(); }
    [[gnu::always_inline]] static std::byte* data(held& h) noexcept { return h.data(); }
    [[gnu::always_inline]] static void put(held&& h) noexcept { h.reset(); }
};

// A buffer of 4 KiB that is then made to hold n bytes: the specification's `unsized`, Go's slices.Grow(Get(),
// n).
struct unsized : pooled {
    static constexpr std::string_view name = "unsized";
    [[gnu::always_inline]] static held get(std::size_t n) {
        held h = synk::get_unsized_pool().get();
        h.reserve(n);
        return h;
    }
};

struct sized : pooled {
    static constexpr std::string_view name = "sized";
    [[gnu::always_inline]] static held get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
};

struct pointer_and_size {
    std::byte* data;
    std::size_t size;
};

// What is common to the rows that hold a bare pointer.
struct pointed {
    using held = pointer_and_size;
    static constexpr unsigned calls_per_get = 1;
    static std::uint64_t calls() { return 0; }
    [[gnu::always_inline]] static std::byte* data(const held& h) noexcept { return h.data; }
};

// The pool without a handle.
struct bare : pointed {
    static constexpr std::string_view name = "bare";
    static constexpr unsigned calls_per_get = 0;
    static std::uint64_t calls() { return pool_misses(); }
    [[gnu::always_inline]] static held get(std::size_t n) {
        return {static_cast<std::byte*>(synk::get_sized_pool().allocate(n)), n};
    }
    [[gnu::always_inline]] static void put(held&& h) noexcept { synk::get_sized_pool().deallocate(h.data, h.size); }
};

// Go's make([]byte, n): new memory, all of it zero.
struct make : pointed {
    static constexpr std::string_view name = "make";
    [[gnu::always_inline]] static held get(std::size_t n) { return {new std::byte[n](), n}; }
    [[gnu::always_inline]] static void put(held&& h) noexcept { delete[] h.data; }
};

struct malloc_free : pointed {
    static constexpr std::string_view name = "malloc";
    [[gnu::always_inline]] static held get(std::size_t n) {
        void* const p = std::malloc(n);
        if (p == nullptr) throw std::bad_alloc();
        return {static_cast<std::byte*>(p), n};
    }
    [[gnu::always_inline]] static void put(held&& h) noexcept { std::free(h.data); }
};

// What the standard library offers for this, with its pools as large as it allows: up to 4 MiB. What is larger goes to
// operator new.
struct pmr_pool : pointed {
    static constexpr std::string_view name = "pmr pool";
    [[gnu::always_inline]] static held get(std::size_t n) { return {static_cast<std::byte*>(pool().allocate(n)), n}; }
    [[gnu::always_inline]] static void put(held&& h) noexcept { pool().deallocate(h.data, h.size); }

private:
    static std::pmr::synchronized_pool_resource& pool() { return *pool_; }
    static std::pmr::synchronized_pool_resource* const pool_;
};

// An allocator by its own functions, found once, at the start of the process that measures it.
class own : public pointed {
public:
    static constexpr std::string_view name = "own";
    // Throws std::runtime_error when they are not loaded.
    static void find(const char* get_name, const char* put_name);
    [[gnu::always_inline]] static held get(std::size_t n) {
        void* const p = get_(n);
        if (p == nullptr) throw std::bad_alloc();
        return {static_cast<std::byte*>(p), n};
    }
    [[gnu::always_inline]] static void put(held&& h) noexcept { put_(h.data); }

private:
    static void* (*get_)(std::size_t);
    static void (*put_)(void*);
};

// No allocator at all: pointers to blocks that are always there. What handing them over costs by itself: who puts has
// the pointer in hand, or the compiler leaves out the reading of it, and the ring's lines never come back.
class nothing : public pointed {
public:
    static constexpr std::string_view name = "bare hand-over";
    static constexpr unsigned calls_per_get = 0;
    [[gnu::always_inline]] static held get(std::size_t n) noexcept { return {blocks[next++ % count].data, n}; }
    [[gnu::always_inline]] static void put(held&& h) noexcept { keep(h.data); }

private:
    static constexpr std::size_t count = 128; // more than a ring holds
    struct alignas(4096) block {
        std::byte data[4096];
    };
    static block blocks[count];
    static constinit thread_local std::size_t next;
};

// The least that any pool can do: for each power of two a stack of pointers that belongs to this thread
// alone. No bound in bytes, nothing shared, nothing counted, nothing ever given back before the thread ends.
class floor {
public:
    struct held {
        std::byte* data;
        unsigned tier;
    };
    static constexpr std::string_view name = "floor";
    static constexpr unsigned calls_per_get = 0;
    static std::uint64_t calls();

    [[gnu::always_inline]] static held get(std::size_t n) {
        const unsigned tier = tier_of(n);
        stack& from = stacks[tier];
        if (from.count == 0) [[unlikely]]
            return {allocate(tier), tier};
        return {from.blocks[--from.count], tier};
    }
    [[gnu::always_inline]] static void put(held&& h) noexcept {
        stack& into = stacks[h.tier];
        if (into.count == depth) [[unlikely]]
            return std::free(h.data);
        into.blocks[into.count++] = h.data;
    }
    [[gnu::always_inline]] static std::byte* data(const held& h) noexcept { return h.data; }

private:
    static constexpr unsigned page_shift = 12;
    static constexpr unsigned tier_count = 64 - page_shift;
    static constexpr unsigned depth = 64;

    struct stack {
        unsigned count;
        std::byte* blocks[depth];
    };
    // Frees what a thread's stacks hold at its end; only the slow path touches it, so that the fast path need
    // not ask whether it exists.
    struct cleaner {
        ~cleaner();
    };

    static unsigned tier_of(std::size_t n) noexcept {
        return static_cast<unsigned>(std::bit_width((n - 1) >> page_shift));
    }
    [[gnu::noinline]] static std::byte* allocate(unsigned tier);

    static constinit thread_local stack stacks[tier_count];
};

template <row... R>
struct row_list {};

// Calls f.operator()<R>() for each row of the list.
template <class F, class... R>
void for_each_row(row_list<R...>, F&& f) {
    (f.template operator()<R>(), ...);
}

using all_rows = row_list<unsized, sized, bare, make, malloc_free, pmr_pool, own, nothing, floor>;

} // namespace bench
