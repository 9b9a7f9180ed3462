// The caches of all threads by number: whom the next thread may have, who reserves something, and who has ceased to,
// are found without a look at each. There are as many as threads ever were alive at a time, for ever, and they lie far
// from each other.
//
// Thread safety: anybody, at any time; a cache is taken and left by one thread at a time.
#pragma once

#include <cstdint>

#include <synk/detail/atomic.hpp>

#include "cache/thread_caches.hpp"
#include "chunks/id_set.hpp"

namespace synk::inline v1::detail {

#ifndef SYNK_MOST_CACHES
#define SYNK_MOST_CACHES 65'536
#endif

class cache_directory {
public:
    // Threads that come when so many have a cache do without one.
    static constexpr unsigned capacity = SYNK_MOST_CACHES;

    [[nodiscard]] bool is_full() const noexcept {
        return entered_.load(memory_order_relaxed) >= capacity; // relaxed: a recent value
    }
    // A new cache, which the caller has made and taken. False: there are as many as there may be.
    [[nodiscard]] bool enter(cache_record& c) noexcept {
        const unsigned number = entered_.fetch_add(1, memory_order_relaxed); // the addition alone decides whose it is
        if (number >= capacity) return false;
        c.number = number;
        at_[number].store(&c, memory_order_release); // publishes the record to who finds it
        return true;
    }

    // One that nobody has; null: there is none. Acquires what leave() published: the set's operations are seq_cst.
    // announce(cache_record&) is called before it is the caller's.
    template <class Announce>
    [[nodiscard]] cache_record* take(Announce announce) noexcept {
        for (unsigned n = free_.lowest(); n != free_.none; n = free_.lowest()) {
            announce(*at(n));
            if (free_.erase(n)) return at(n); // who erases it owns it
        }
        return nullptr;
    }
    // This one, if nobody has it.
    bool take(const cache_record& c) noexcept { return free_.erase(c.number); }
    // As it was left before.
    void put_back(const cache_record& c) noexcept { free_.insert(c.number); }
    void leave(const cache_record& c) noexcept {
        free_.insert(c.number);
        emptied_.insert(c.number);
    }
    // Up to `most` of those that were emptied or left since; who visits one says whether it need not be visited again.
    template <class Visit>
    void each_emptied(unsigned most, Visit visit) noexcept {
        for (unsigned n = emptied_.lowest(); n != emptied_.none && most-- != 0; n = emptied_.next(n + 1))
            if (emptied_.erase(n) && !visit(*at(n))) emptied_.insert(n);
    }

    // From behind its gate: whether it reserves anything.
    void note_reserving(const cache_record& c, bool reserves) noexcept {
        if (reserves) {
            reserving_.insert(c.number);
        } else {
            reserving_.erase(c.number);
            emptied_.insert(c.number);
        }
    }

    template <class Visit>
    void each(Visit visit) noexcept {
        // relaxed: of who has entered before, the edge by which one knows that orders the number, too.
        const unsigned count = entered_.load(memory_order_relaxed);
        for (unsigned n = 0; n < count && n < capacity; ++n)
            if (cache_record* const c = at(n)) visit(*c);
    }
    // Those that come to reserve something, or cease to, meanwhile, are found or not.
    template <class Visit>
    void each_reserving(Visit visit) noexcept {
        for (unsigned n = reserving_.lowest(); n != reserving_.none; n = reserving_.next(n + 1)) visit(*at(n));
    }
    // The next one from this number on that reserves something, or the first of all; null: there is none.
    [[nodiscard]] cache_record* next_reserving(unsigned from) noexcept {
        unsigned n = reserving_.next(from);
        if (n == reserving_.none) n = reserving_.lowest();
        return n != reserving_.none ? at(n) : nullptr;
    }

private:
    // Null: it is just being entered.
    [[nodiscard]] cache_record* at(unsigned number) const noexcept {
        return at_[number].load(memory_order_acquire); // pairs with enter()
    }

    id_set<capacity> free_;
    id_set<capacity> emptied_;
    id_set<capacity> reserving_;
    atomic<unsigned> entered_{0}; // or more, where some tried when it was full
    atomic<cache_record*> at_[capacity]{};
};

extern constinit cache_directory all_caches;

} // namespace synk::inline v1::detail
