// Which caches a thread is at work on that are not its own: the child of a signal handler's fork goes on with them.
//
// Thread safety: each thread says so of itself; only that child looks, which has one thread. So relaxed throughout.
#pragma once

#include "cache/thread_caches.hpp"

namespace synk::inline v1::detail {

// The cache that this thread is about to take, or has taken, and that is not yet, or no longer, known as its own.
extern constinit thread_local atomic<const cache_record*> in_hands [[gnu::tls_model("initial-exec")]];
inline void take_in_hands(const cache_record* c) noexcept {
    compiler_barrier();
    in_hands.store(c, memory_order_relaxed);
    compiler_barrier();
}

// Put back at the end of its scope: a handler may have come between a thread and what that one has in hands.
class in_our_hands {
public:
    in_our_hands() noexcept = default; // nothing yet
    explicit in_our_hands(const cache_record& c) noexcept { take_in_hands(&c); }
    ~in_our_hands() { take_in_hands(before_); }
    in_our_hands(const in_our_hands&) = delete;
    in_our_hands& operator=(const in_our_hands&) = delete;

private:
    const cache_record* before_ = in_hands.load(memory_order_relaxed);
};

// What a thread is told from others by; the same in the child of its fork.
inline const void* this_thread() noexcept { return &in_hands; }

// What this thread empties, ages or gives back, from behind a gate that it has closed, or as its own at its end.
inline void begin_work_on(cache_record& c) noexcept { c.at_work.store(this_thread(), memory_order_relaxed); }
inline void end_work_on(cache_record& c) noexcept {
    const void* us = this_thread(); // somebody else may have come behind the gate after us
    c.at_work.compare_exchange_strong(us, nullptr, memory_order_relaxed, memory_order_relaxed);
}

// Both in the child of a fork.
inline bool is_anothers_work(const cache_record& c) noexcept {
    const void* const whose = c.at_work.load(memory_order_relaxed);
    return whose != nullptr && whose != this_thread();
}
inline bool is_at_work_on(const cache_record& c) noexcept {
    return c.at_work.load(memory_order_relaxed) == this_thread() || in_hands.load(memory_order_relaxed) == &c;
}

} // namespace synk::inline v1::detail
