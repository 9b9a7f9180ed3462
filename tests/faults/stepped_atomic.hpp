// The library's atomics for a build in which a thread can be stopped before any one of its atomic operations: what
// SYNK_ATOMIC_HEADER names there. Between two of them a thread touches nothing that others look at, so these are all
// the places at which it can be stopped.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace synk_test {

// One thread at a time stands before its n-th atomic operation until it is let go.
class stopping_place {
public:
    // Nobody stands, and nobody has been let go. Before the thread is there that shall stand.
    static void clear() {
        held_ = false;
        let_go_ = false;
    }
    // The calling thread stands before the n-th operation from now, n > 0.
    static void stand_before(std::uint64_t n) { left_ = n; }
    [[nodiscard]] static std::uint64_t left() { return left_; }
    // It is not stopped any more.
    static void forget() { left_ = 0; }
    [[nodiscard]] static bool held() { return held_; }
    static void let_go() { let_go_ = true; }

    // The calling thread does this before that operation instead, as a signal handler would.
    using handler = void (*)();
    static void interrupt_by(handler h) { handler_ = h; }
    [[nodiscard]] static bool interrupted() { return handler_ != nullptr && left_ == 0; }

    // Before each operation of the library's.
    static void step() noexcept {
        if (left_ == 0 || --left_ != 0) return;
        if (handler_ != nullptr) return handler_();
        held_ = true;
        while (!let_go_) std::this_thread::yield();
    }

private:
    static inline constinit thread_local std::uint64_t left_ = 0;
    static inline constinit thread_local handler handler_ = nullptr;
    static inline std::atomic<bool> held_{false}, let_go_{false};
};

} // namespace synk_test

namespace synk {
inline namespace v1 {
namespace detail {

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

// Memory that is handed over by an atomic operation: whoever is interrupted before it looks has it in his hands.
template <class T>
class plain {
public:
    constexpr plain() noexcept = default;
    plain& operator=(T wanted) noexcept {
        synk_test::stopping_place::step();
        value_ = wanted;
        return *this;
    }
    operator T() const noexcept {
        synk_test::stopping_place::step();
        return value_;
    }

private:
    T value_{};
};

template <class T>
class atomic {
public:
    constexpr atomic() noexcept = default;
    constexpr explicit(false) atomic(T value) noexcept : value_(value) {}

    [[nodiscard]] T load(std::memory_order order) const noexcept { return stepped().load(order); }
    void store(T wanted, std::memory_order order = memory_order_seq_cst) noexcept { stepped().store(wanted, order); }
    T exchange(T wanted, std::memory_order order) noexcept { return stepped().exchange(wanted, order); }
    bool compare_exchange_weak(T& seen, T wanted, std::memory_order done, std::memory_order failed) noexcept {
        return stepped().compare_exchange_weak(seen, wanted, done, failed);
    }
    bool compare_exchange_strong(T& seen, T wanted, std::memory_order done, std::memory_order failed) noexcept {
        return stepped().compare_exchange_strong(seen, wanted, done, failed);
    }
    T fetch_add(T n, std::memory_order order) noexcept { return stepped().fetch_add(n, order); }
    T fetch_sub(T n, std::memory_order order) noexcept { return stepped().fetch_sub(n, order); }
    T fetch_and(T bits, std::memory_order order) noexcept { return stepped().fetch_and(bits, order); }
    T fetch_or(T bits, std::memory_order order) noexcept { return stepped().fetch_or(bits, order); }
    void wait(T old, std::memory_order order) const noexcept { stepped().wait(old, order); }
    void notify_one() noexcept { stepped().notify_one(); }

private:
    [[nodiscard]] std::atomic<T>& stepped() noexcept {
        synk_test::stopping_place::step();
        return value_;
    }
    [[nodiscard]] const std::atomic<T>& stepped() const noexcept {
        synk_test::stopping_place::step();
        return value_;
    }

    std::atomic<T> value_;
};

inline void compiler_barrier() noexcept {
    synk_test::stopping_place::step();
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace detail
} // namespace v1
} // namespace synk
