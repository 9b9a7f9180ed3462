// What the library's headers get in place of std::atomic when they are compiled for the explorer
// (SYNK_ATOMIC_HEADER): the same names, every operation a step of the machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "explorer/machine.hpp"

namespace synk_explorer {

template <class T>
class atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
    using order = std::memory_order;
    using place = std::source_location;
    static constexpr order strongest = std::memory_order_seq_cst;

public:
    constexpr atomic() noexcept = default;
    constexpr atomic(T initial) noexcept : initial_(initial) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(order o = strongest, const place& where = place::current()) const noexcept {
        return the_machine.running() ? from_bits(the_machine.load(cell_, to_bits(initial_), o, where)) : now();
    }
    void store(T value, order o = strongest, const place& where = place::current()) noexcept {
        if (the_machine.running()) return the_machine.store(cell_, to_bits(initial_), to_bits(value), o, where);
        set(value);
    }
    T exchange(T value, order o = strongest, const place& where = place::current()) noexcept {
        return modify([value](T) { return value; }, o, where);
    }
    T fetch_add(T n, order o = strongest, const place& where = place::current()) noexcept {
        return modify([n](T old) { return static_cast<T>(old + n); }, o, where);
    }
    T fetch_sub(T n, order o = strongest, const place& where = place::current()) noexcept {
        return modify([n](T old) { return static_cast<T>(old - n); }, o, where);
    }
    T fetch_or(T bits, order o = strongest, const place& where = place::current()) noexcept {
        return modify([bits](T old) { return static_cast<T>(old | bits); }, o, where);
    }
    T fetch_and(T bits, order o = strongest, const place& where = place::current()) noexcept {
        return modify([bits](T old) { return static_cast<T>(old & bits); }, o, where);
    }
    bool compare_exchange_strong(T& expected, T desired, order success, order failure,
                                 const place& where = place::current()) noexcept {
        return exchange_if(expected, {to_bits(expected), to_bits(desired), success, failure, false}, where);
    }
    bool compare_exchange_weak(T& expected, T desired, order success, order failure,
                               const place& where = place::current()) noexcept {
        return exchange_if(expected, {to_bits(expected), to_bits(desired), success, failure, true}, where);
    }
    void wait(T old, order o = strongest, const place& where = place::current()) const noexcept {
        if (the_machine.running()) the_machine.wait(cell_, to_bits(initial_), to_bits(old), o, where);
    }
    void notify_one(const place& where = place::current()) noexcept {
        if (the_machine.running()) the_machine.notify(cell_, to_bits(initial_), false, where);
    }
    void notify_all(const place& where = place::current()) noexcept {
        if (the_machine.running()) the_machine.notify(cell_, to_bits(initial_), true, where);
    }

private:
    static std::uint64_t to_bits(T value) noexcept {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof(T));
        return bits;
    }
    static T from_bits(std::uint64_t bits) noexcept {
        T value;
        std::memcpy(&value, &bits, sizeof(T));
        return value;
    }

    // Outside of a schedule's threads.
    T now() const noexcept {
        const auto& m = the_machine.mem;
        return m.knows(cell_) ? from_bits(m.value(cell_.object, m.newest(cell_.object))) : initial_;
    }
    void set(T value) noexcept {
        auto& m = the_machine.mem;
        if (the_machine.in_schedule()) return m.overwrite(m.object_of(cell_, to_bits(initial_)), to_bits(value));
        initial_ = value;
    }

    template <class Next>
    T modify(Next next, order o, const place& where) noexcept {
        if (the_machine.running()) {
            const auto read = the_machine.modify_begin(cell_, to_bits(initial_), o, where);
            the_machine.modify_end(read, to_bits(next(from_bits(read.value))));
            return from_bits(read.value);
        }
        const T old = now();
        set(next(old));
        return old;
    }
    bool exchange_if(T& expected, machine::exchange x, const place& where) noexcept {
        if (the_machine.running()) {
            const bool done = the_machine.compare_exchange(cell_, to_bits(initial_), x, where);
            if (!done) expected = from_bits(x.expected);
            return done;
        }
        const T old = now();
        const bool same = to_bits(old) == x.expected;
        if (same)
            set(from_bits(x.desired));
        else
            expected = old;
        return same;
    }

    T initial_{};
    mutable cell cell_{};
};

// Data that is not atomic: accesses of two threads, one of them a write, that nothing orders are a race.
template <class T>
class plain {
public:
    constexpr plain() noexcept = default;
    constexpr plain(T initial) noexcept : value_(initial) {}
    plain(const plain& other) noexcept : value_(other) {}
    plain& operator=(const plain& other) noexcept { return *this = static_cast<T>(other); }
    plain& operator=(T value) noexcept {
        if (the_machine.running()) the_machine.plain_write(cell_);
        value_ = value;
        return *this;
    }
    operator T() const noexcept {
        if (the_machine.running()) the_machine.plain_read(cell_);
        return value_;
    }

private:
    T value_{};
    mutable plain_cell cell_{};
};

inline void fence(std::memory_order o, const std::source_location& where = std::source_location::current()) noexcept {
    if (the_machine.running()) the_machine.fence(o, where);
}
inline bool membarrier(const std::source_location& where = std::source_location::current()) noexcept {
    if (the_machine.running()) the_machine.heavy_fence(where);
    return true;
}

} // namespace synk_explorer

namespace synk {
inline namespace v1 {
namespace detail {

template <class T>
using atomic = synk_explorer::atomic<T>;
template <class T>
using plain = synk_explorer::plain<T>;

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

// The light half of the fence whose heavy half is membarrier().
inline void compiler_barrier(const std::source_location& where = std::source_location::current()) noexcept {
    if (synk_explorer::the_machine.running()) synk_explorer::the_machine.light_fence(where);
}

} // namespace detail
} // namespace v1
} // namespace synk
