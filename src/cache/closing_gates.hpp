// How a thread comes to what is behind the gates of many caches.
#pragma once

#include "cache/thread_caches.hpp"
#include "cache/work_in_hand.hpp"

namespace synk::inline v1::detail {

// Closes gates with one barrier for several, as it interrupts every processor that a thread of the process is running
// on. Not for all at once: their owners do without them until their turn has come, and the child of a fork in that
// moment has lost them.
class closing_gates {
public:
    explicit closing_gates(bool wish) noexcept : wish_(wish) {}

    // Runs work(cache_record&, in_use) for this cache and others, now or later; the rest() is the caller's to order.
    template <class Work>
    void add(cache_record& c, Work work) noexcept {
        if (c.reserved.load(memory_order_relaxed) == 0) return; // relaxed: a recent value
        const in_our_hands here(c);
        if (!c.gate.shut()) {
            if (wish_) c.gate.ask(); // who has it shut may be about to open it, and have taken nothing
            return static_cast<void>(all_ = false);
        }
        begin_work_on(c);
        shut_[count_++] = &c;
        if (count_ == at_once) rest(work);
    }
    template <class Work>
    void rest(Work work) noexcept {
        const bool passed = count_ != 0 && thread_caches::barrier();
        for (unsigned i = 0; i < count_; ++i) {
            const gate_hold hold = shut_[i]->gate.look_inside(passed, wish_);
            if (hold) work(*shut_[i], hold.in_use());
            if (hold) shut_[i]->gate.open();
            end_work_on(*shut_[i]);
            all_ = all_ && hold && hold.in_use() == gate_hold::no_part;
        }
        count_ = 0;
    }
    // Whether nothing was left with an owner who was at work on it, or with a third thread.
    [[nodiscard]] bool all() const noexcept { return all_; }

private:
    static constexpr unsigned at_once = 8;

    bool wish_;
    bool all_ = true;
    unsigned count_ = 0;
    cache_record* shut_[at_once] = {};
};

} // namespace synk::inline v1::detail
