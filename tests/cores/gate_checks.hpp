// What is expected of the gate of a thread's cache, in whichever form it was compiled.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace synk_test {

inline void no_barrier() {}

template <class Gate>
void expect_one_at_a_time() {
    Gate gate;
    ASSERT_TRUE(gate.enter(3));
    EXPECT_FALSE(gate.enter(3)) << "a signal handler on the owner's thread";
    EXPECT_FALSE(gate.enter(4)) << "likewise, in another part";
    EXPECT_FALSE(gate.enter_slow());
    gate.leave();
    ASSERT_TRUE(gate.enter_slow());
    EXPECT_FALSE(gate.enter(3)) << "a signal handler in a slow path";
    EXPECT_FALSE(gate.close(no_barrier, false));
    gate.leave();
    const auto hold = gate.close(no_barrier);
    ASSERT_TRUE(hold);
    EXPECT_EQ(hold.in_use(), hold.no_part);
    EXPECT_FALSE(gate.close(no_barrier)) << "a third thread";
    EXPECT_FALSE(gate.enter(3));
    EXPECT_FALSE(gate.enter_slow());
    gate.open();
    EXPECT_TRUE(gate.enter(3));
}

// Of a gate that is closed while the owner is in one part, all others are the closer's.
template <class Gate>
void expect_all_parts_but_the_owners() {
    Gate gate;
    ASSERT_TRUE(gate.enter(3));
    const auto hold = gate.close(no_barrier, false);
    ASSERT_TRUE(hold);
    EXPECT_EQ(hold.in_use(), 3U);
    gate.leave();
    EXPECT_FALSE(gate.enter(3)) << "let in again, where the other may be now";
    EXPECT_FALSE(gate.enter(4));
    gate.open();
    EXPECT_TRUE(gate.enter(4)) << "a wish that nobody had";
}

// Where the system refuses the barrier nobody knows where the owner is.
template <class Gate>
void expect_nothing_without_the_barrier() {
    Gate gate;
    EXPECT_FALSE(gate.close([] { return false; }, false));
    EXPECT_TRUE(gate.enter(3)) << "the gate stays closed";
    gate.leave();
}

// Who asks in vain, or does not get all, leaves a wish: it is found once, and sends the owner its slow way until then.
template <class Gate>
void expect_wishes_are_granted_once() {
    Gate gate;
    EXPECT_FALSE(gate.take_wish());
    ASSERT_TRUE(gate.enter(3));
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(gate.close(no_barrier));
        gate.open();
    }
    gate.leave();
    EXPECT_FALSE(gate.enter(3)) << "the owner does not learn of the wish";
    ASSERT_TRUE(gate.enter_slow());
    EXPECT_TRUE(gate.take_wish());
    EXPECT_FALSE(gate.take_wish());
    ASSERT_FALSE(gate.close(no_barrier));
    gate.leave();
    EXPECT_FALSE(gate.enter(3)) << "the owner does not learn of the second wish";
    EXPECT_TRUE(gate.take_wish());
    EXPECT_TRUE(gate.enter(3));
    gate.leave();
}

template <class Gate>
void expect_slow_only_shuts_the_fast_way_alone() {
    Gate gate;
    gate.set_slow_only(true);
    EXPECT_FALSE(gate.enter(3));
    ASSERT_TRUE(gate.enter_slow());
    EXPECT_FALSE(gate.close(no_barrier));
    gate.leave();
    EXPECT_TRUE(gate.close(no_barrier));
    EXPECT_FALSE(gate.enter_slow());
    gate.open();
    EXPECT_FALSE(gate.enter(3)) << "slow_only was lost";
    gate.set_slow_only(false);
    EXPECT_FALSE(gate.enter(3)) << "the wish of above was lost";
    EXPECT_TRUE(gate.take_wish());
    EXPECT_TRUE(gate.enter(3));
    gate.leave();
}

// One owner and others, all behind the gate as often as they can. Two at once in a part lose an addition to its plain
// `value`, and find each other's name in its `who`.
template <class Gate>
class gate_contest {
public:
    // slow_ways: one in how many of the owner's ways in is enter_slow().
    template <class Barrier>
    void run(unsigned others, std::size_t slow_ways, Barrier barrier) {
        std::atomic<bool> done{false};
        run_threads(others + 1, [&](unsigned i) {
            if (i != 0) {
                close_often(i, done, barrier);
            } else {
                enter_often(slow_ways);
                done = true;
            }
        });
        for (const part& p : parts_) {
            EXPECT_EQ(p.value, p.visits.load()) << "two were in a part at once";
            EXPECT_EQ(p.met, 0U) << "two were in a part at once";
        }
    }

private:
    static constexpr unsigned part_count = 2;

    // Until it was in often enough: others may hold the gate for as long as they sleep.
    void enter_often(std::size_t slow_ways) {
        random_source random(1);
        const std::size_t wanted = effort(1'000'000);
        for (std::uint64_t entered = 0; entered < wanted; entered_.store(entered, std::memory_order_relaxed)) {
            const bool slow = random.one_in(slow_ways);
            const auto number = static_cast<unsigned>(random.between(1, part_count));
            if (!(slow ? gate_.enter_slow() : gate_.enter(number))) {
                if (!gate_.take_wish()) std::this_thread::yield();
                continue;
            }
            for (unsigned i = 1; i <= part_count; ++i)
                if (slow || i == number) behind(i, 0);
            gate_.leave();
            ++entered;
        }
    }

    // Not again before the owner was in: it would never get that far where the gate is closed all the time.
    template <class Barrier>
    void close_often(unsigned name, const std::atomic<bool>& done, Barrier barrier) {
        std::uint64_t seen = ~std::uint64_t{0};
        while (!done) {
            const std::uint64_t entered = entered_.load(std::memory_order_relaxed);
            if (std::exchange(seen, entered) == entered) continue;
            const auto hold = gate_.close(barrier);
            if (!hold) continue;
            for (unsigned i = 1; i <= part_count; ++i)
                for (int times = 0; times < 20 && i != hold.in_use(); ++times) behind(i, name);
            gate_.open();
        }
    }

    // volatile: the compiler may not fold what two threads could see of each other.
    struct part {
        volatile unsigned who = 0;
        volatile std::uint64_t value = 0;
        volatile unsigned met = 0;
        std::atomic<std::uint64_t> visits{0};
    };
    void behind(unsigned number, unsigned name) {
        part& p = parts_[number - 1];
        p.visits.fetch_add(1, std::memory_order_relaxed);
        p.who = name;
        p.value = p.value + 1;
        if (p.who != name) p.met = p.met + 1;
    }

    Gate gate_;
    part parts_[part_count];
    std::atomic<std::uint64_t> entered_{0}; // by the owner; relaxed: a number
};

} // namespace synk_test
