// An operating system in which a thread can be stopped inside a call.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

#include "pages/system.hpp"

namespace synk_test {

// A system in which one thread stops inside a call, the first of its kind or that after so many, until it is let go.
class system_that_holds {
public:
    enum class call { map, unmap, advise, remap, barrier };

    explicit system_that_holds(call where, unsigned after = 0) {
        where_ = where;
        left_ = after;
        held_ = false;
        go_on_ = false;
        calls_ = synk::detail::linux_calls;
        calls_.map = [](std::size_t size, bool accessible, void* wish) noexcept {
            hold_at(call::map);
            return synk::detail::linux_calls.map(size, accessible, wish);
        };
        calls_.unmap = [](void* at, std::size_t size) noexcept {
            hold_at(call::unmap);
            return synk::detail::linux_calls.unmap(at, size);
        };
        calls_.advise = [](void* at, std::size_t size, synk::detail::advice what) noexcept {
            hold_at(call::advise);
            return synk::detail::linux_calls.advise(at, size, what);
        };
        calls_.remap = [](void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
            hold_at(call::remap);
            return synk::detail::linux_calls.remap(at, size, new_size, target);
        };
        calls_.barrier = []() noexcept {
            hold_at(call::barrier);
            return synk::detail::linux_calls.barrier();
        };
        synk::detail::the_system.store(&calls_);
    }
    system_that_holds(const system_that_holds&) = delete;
    system_that_holds& operator=(const system_that_holds&) = delete;
    ~system_that_holds() { synk::detail::the_system.store(&synk::detail::linux_calls); }

    static void this_thread_may_be_held() { may_be_held_ = true; }
    static void wait_until_held() {
        while (!held_) std::this_thread::yield();
    }
    static void let_go() { go_on_ = true; }
    [[nodiscard]] static bool was_let_go() { return go_on_; }

private:
    static void hold_at(call which) noexcept {
        if (!may_be_held_ || which != where_) return;
        if (left_ != 0) return static_cast<void>(--left_);
        held_ = true;
        while (!go_on_) std::this_thread::yield();
    }
    static inline call where_;
    static inline unsigned left_; // the thread's that may be held
    static inline std::atomic<bool> held_, go_on_;
    static inline thread_local bool may_be_held_ = false;
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_test
