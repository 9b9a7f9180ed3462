// The caches that are compared. Each kind says the same: attach() at a thread's start, pop() and push() of a class,
// drain() by any other thread, detach() at the thread's end. pop() and push() fail where there is nothing, no room, or
// where another thread has the cache.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <synk/detail/thread_cache.hpp>

#include "backing.hpp"
#include "rseq.hpp"

namespace explore {

using synk::detail::class_bytes;
using synk::detail::class_of_positive;
using synk::detail::thread_cache;

// 4 MiB worth, 8 to 64: the library's own bound of a bin when this was measured.
inline constexpr unsigned most_blocks = 64;
[[nodiscard]] inline unsigned room_of(unsigned cls) {
    return static_cast<unsigned>(std::clamp<std::size_t>(synk::detail::chunk_size / class_bytes(cls), 8, most_blocks));
}

inline long membarrier(int command, unsigned flags = 0, int cpu = 0) {
    return ::syscall(SYS_membarrier, command, flags, cpu);
}

template <class T>
[[nodiscard]] T* map_zeroed(std::size_t bytes) {
    void* const p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return static_cast<T*>(p);
}

// A bin begins without room; a put that finds none asks for it. True: there is some now. The others of a CPU may be at
// it too.
template <class Cache>
[[nodiscard]] bool make_room(Cache& cache, unsigned cls) {
    const std::atomic_ref limit(cache.bins[cls].limit);
    std::uint32_t seen = limit.load(std::memory_order_relaxed); // relaxed: a number, no data
    if (seen >= room_of(cls) || !shared.take_room(class_bytes(cls))) return false;
    while (seen < room_of(cls))
        if (limit.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
    return false;
}

// The least that any pool can do: a stack of pointers a tier, the thread's own, out of everybody's reach.
struct bare_floor {
    static constexpr std::string_view name = "floor";
    static constexpr bool drains = false;
    struct stack {
        unsigned count;
        std::byte* blocks[most_blocks];
    };
    static inline thread_local constinit stack stacks[synk::detail::tier_count]{};

    // Of a power of two of pages.
    static unsigned class_of(std::size_t n) noexcept { return static_cast<unsigned>(std::bit_width((n - 1) >> 12)); }
    static unsigned backing_class(unsigned tier) noexcept { return class_of_positive(std::size_t{4096} << tier); }
    static void set_up() {}
    static void attach() {}
    static void detach() {
        for (unsigned tier = 0; tier < synk::detail::tier_count; ++tier)
            while (std::byte* const data = pop(tier)) shared.put(backing_class(tier), data);
    }
    static std::byte* pop(unsigned tier) noexcept {
        stack& from = stacks[tier];
        return from.count != 0 ? from.blocks[--from.count] : nullptr;
    }
    static bool push(unsigned tier, std::byte* data) noexcept {
        stack& into = stacks[tier];
        if (into.count == most_blocks) [[unlikely]]
            return false;
        into.blocks[into.count++] = data;
        return true;
    }
    [[nodiscard]] static bool grow(unsigned) { return false; }
    static void empty_all() {}
    static std::uint64_t stops() { return 0; }
};

// What the library ships: include/synk/detail/gate.hpp and thread_cache.hpp, with this file's end of it.
struct gated {
    static constexpr std::string_view name = "thread, gate";
    static constexpr bool drains = true;
    using cache = thread_cache;
    static inline thread_local constinit thread_cache* own = nullptr;

    static unsigned class_of(std::size_t n) noexcept { return class_of_positive(n); }
    static unsigned backing_class(unsigned cls) noexcept { return cls; }
    static void set_up() { membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }
    static void attach() {
        if (own != nullptr) return;
        own = ::new (static_cast<void*>(map_zeroed<std::byte>(sizeof(thread_cache)))) thread_cache;
        own->set_up();
    }
    static void detach() {
        while (!drain(*own)) {
        }
        ::munmap(static_cast<void*>(own), sizeof(thread_cache));
        own = nullptr;
    }
    [[gnu::always_inline]] static std::byte* pop(unsigned cls) noexcept {
        thread_cache* const c = own;
        const unsigned bin = synk::detail::bin_of(cls);
        if (c == nullptr || !c->gate.enter(bin)) [[unlikely]]
            return nullptr;
        synk::detail::held_block b;
        static_cast<void>(c->pop_bin(bin, b));
        c->gate.leave();
        return b.data;
    }
    [[gnu::always_inline]] static bool push(unsigned cls, std::byte* data) noexcept {
        thread_cache* const c = own;
        const unsigned bin = synk::detail::bin_of(cls);
        if (c == nullptr || !c->gate.enter(bin)) [[unlikely]]
            return false;
        const bool kept = c->push_bin(bin, data);
        c->gate.leave();
        return kept;
    }
    // False when a bin was left, for its owner was there.
    static bool drain(thread_cache& c) {
        const auto hold = c.gate.close([] { return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0; }, false);
        if (!hold) return false;
        for (unsigned cls = 0; cls < class_count; ++cls) {
            synk::detail::held_block b;
            while (synk::detail::bin_of(cls) != hold.in_use() && c.pop(cls, b)) shared.put(cls, b.data);
        }
        c.gate.open();
        return hold.in_use() == hold.no_part;
    }
    static thread_cache* mine() { return own; }
    // A bin's limit is the owner's, as long as nobody closes the gate to lower it, which nobody does here.
    [[nodiscard]] static bool grow(unsigned cls) {
        if (own == nullptr || own->limit(cls) >= room_of(cls) || !shared.take_room(class_bytes(cls))) return false;
        own->set_limit(cls, own->limit(cls) + 1);
        return true;
    }
    static void empty_all() {}
    static std::uint64_t stops() { return 0; }
};

// Takes all blocks out of a cache of restartable sequences; `cpu` < 0 stops those of all CPUs. It cannot fail.
inline bool drain_restartable(restartable_cache& c, int cpu) {
    c.closed.store(1, std::memory_order_seq_cst);
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, cpu < 0 ? 0 : MEMBARRIER_CMD_FLAG_CPU, cpu < 0 ? 0 : cpu);
    for (unsigned cls = 0; cls < class_count; ++cls) {
        const std::uint64_t count = c.bins[cls].word & 0xFF;
        for (std::uint64_t i = 0; i < count; ++i) shared.put(cls, c.slots[cls][i]);
        c.bins[cls].word -= count;
    }
    c.closed.store(0, std::memory_order_release); // to the next sequence's load: what is in the cache now
    return true;
}

inline void register_sequences() { membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ); }

// A thread's cache again, but the sequence takes the place of the gate: its owner says nothing when it comes and goes.
struct restartable {
    static constexpr std::string_view name = "thread, rseq";
    static constexpr bool drains = true;
    using cache = restartable_cache;
    static inline thread_local constinit restartable_cache* own = nullptr;
    static inline thread_local constinit std::uint64_t stopped = 0;

    static unsigned class_of(std::size_t n) noexcept { return class_of_positive(n); }
    static unsigned backing_class(unsigned cls) noexcept { return cls; }
    static void set_up() { register_sequences(); }
    static void attach() {
        if (own != nullptr || !is_registered()) return; // without rseq: the backing's, always
        own = map_zeroed<restartable_cache>(sizeof(restartable_cache));
    }
    static void detach() {
        if (own == nullptr) return;
        drain(*own);
        ::munmap(static_cast<void*>(own), sizeof(restartable_cache));
        own = nullptr;
    }
    [[gnu::always_inline]] static std::byte* pop(unsigned cls) noexcept {
        restartable_cache* const c = own;
        std::byte* data = nullptr;
        if (c == nullptr || explore::pop<owner::thread>(place_of(c, 0, cls), data, stopped) != ended::done) [[unlikely]]
            return nullptr;
        return data;
    }
    [[gnu::always_inline]] static bool push(unsigned cls, std::byte* data) noexcept {
        restartable_cache* const c = own;
        return c != nullptr && explore::push<owner::thread>(place_of(c, 0, cls), data, stopped) == ended::done;
    }
    static bool drain(restartable_cache& c) { return drain_restartable(c, -1); }
    static restartable_cache* mine() { return own; }
    [[nodiscard]] static bool grow(unsigned cls) { return own != nullptr && make_room(*own, cls); }
    static void empty_all() {}
    static std::uint64_t stops() { return stopped; }
};

// A cache a CPU, whoever runs there.
struct per_cpu {
    static constexpr std::string_view name = "CPU, rseq";
    static constexpr bool drains = true;
    using cache = restartable_cache;
    static inline restartable_cache* all = nullptr;
    static inline std::uint64_t count = 0;
    static inline thread_local constinit std::uint64_t stopped = 0;

    static unsigned class_of(std::size_t n) noexcept { return class_of_positive(n); }
    static unsigned backing_class(unsigned cls) noexcept { return cls; }
    static restartable_cache* at(std::uint64_t cpu) {
        return reinterpret_cast<restartable_cache*>(reinterpret_cast<std::byte*>(all) + cpu * cache_stride);
    }
    static void set_up() {
        register_sequences();
        if (all != nullptr) return;
        const auto cpus = static_cast<std::uint64_t>(::sysconf(_SC_NPROCESSORS_CONF));
        all = map_zeroed<restartable_cache>(cpus * cache_stride);
        count = cpus;
    }
    static void attach() {}
    static void detach() {}
    [[gnu::always_inline]] static std::byte* pop(unsigned cls) noexcept {
        std::byte* data = nullptr;
        if (explore::pop<owner::cpu>(place_of(all, count, cls), data, stopped) != ended::done) [[unlikely]]
            return nullptr;
        return data;
    }
    [[gnu::always_inline]] static bool push(unsigned cls, std::byte* data) noexcept {
        return explore::push<owner::cpu>(place_of(all, count, cls), data, stopped) == ended::done;
    }
    static bool drain(restartable_cache& c) {
        return drain_restartable(
            c, static_cast<int>((reinterpret_cast<std::byte*>(&c) - reinterpret_cast<std::byte*>(all)) /
                                static_cast<std::ptrdiff_t>(cache_stride)));
    }
    static restartable_cache* mine() { return at(this_area()->cpu_id % count); }
    [[nodiscard]] static bool grow(unsigned cls) { return is_registered() && make_room(*mine(), cls); }
    static void empty_all() {
        for (std::uint64_t cpu = 0; cpu < count; ++cpu) {
            drain(*at(cpu));
            for (auto& bin : at(cpu)->bins) bin.limit = 0;
        }
    }
    static std::uint64_t stops() { return stopped; }
};

// A get and a put as a program does them.
template <class Kind>
[[gnu::always_inline]] inline std::byte* get(unsigned cls) {
    std::byte* const data = Kind::pop(cls);
    if (data != nullptr) [[likely]]
        return data;
    return shared.get(Kind::backing_class(cls));
}
template <class Kind>
[[gnu::noinline]] void put_slow(unsigned cls, std::byte* data) {
    if (!Kind::grow(cls) || !Kind::push(cls, data)) shared.put(Kind::backing_class(cls), data);
}
template <class Kind>
[[gnu::always_inline]] inline void put(unsigned cls, std::byte* data) {
    if (!Kind::push(cls, data)) [[unlikely]]
        put_slow<Kind>(cls, data);
}

inline constexpr std::size_t no_bound = ~std::size_t{0};
template <class Kind>
void start_again(std::size_t budget = no_bound) {
    Kind::empty_all();
    shared.start_again(budget);
}

} // namespace explore
