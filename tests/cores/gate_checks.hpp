// What is expected of the gate of a thread's cache, in whichever form it was compiled.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
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
    ASSERT_TRUE(gate.enter());
    EXPECT_FALSE(gate.enter()) << "a signal handler on the owner's thread";
    EXPECT_FALSE(gate.enter_slow());
    EXPECT_FALSE(gate.close(no_barrier));
    gate.leave();
    ASSERT_TRUE(gate.close(no_barrier));
    EXPECT_FALSE(gate.close(no_barrier)) << "a third thread";
    EXPECT_FALSE(gate.enter());
    EXPECT_FALSE(gate.enter_slow());
    gate.open();
    EXPECT_TRUE(gate.enter_slow());
    EXPECT_FALSE(gate.close(no_barrier));
    gate.leave();
}

// Who asks in vain leaves a wish: it is found once, and sends the owner its slow way until then.
template <class Gate>
void expect_wishes_are_granted_once() {
    Gate gate;
    EXPECT_FALSE(gate.take_wish());
    ASSERT_TRUE(gate.enter());
    ASSERT_FALSE(gate.close(no_barrier));
    ASSERT_FALSE(gate.close(no_barrier));
    gate.leave();
    EXPECT_FALSE(gate.enter()) << "the owner does not learn of the wish";
    ASSERT_TRUE(gate.enter_slow());
    EXPECT_TRUE(gate.take_wish());
    EXPECT_FALSE(gate.take_wish());
    gate.leave();
    EXPECT_TRUE(gate.enter());
    gate.leave();
}

template <class Gate>
void expect_slow_only_shuts_the_fast_way_alone() {
    Gate gate;
    gate.set_slow_only(true);
    EXPECT_FALSE(gate.enter());
    ASSERT_TRUE(gate.enter_slow());
    EXPECT_FALSE(gate.close(no_barrier));
    gate.leave();
    EXPECT_TRUE(gate.close(no_barrier));
    EXPECT_FALSE(gate.enter_slow());
    gate.open();
    EXPECT_FALSE(gate.enter()) << "slow_only was lost";
    gate.set_slow_only(false);
    EXPECT_FALSE(gate.enter()) << "the wish of above was lost";
    EXPECT_TRUE(gate.take_wish());
    EXPECT_TRUE(gate.enter());
    gate.leave();
}

// One owner and others, all behind the gate as often as they can. Two at once lose an addition to the plain `value`,
// and find each other's name in `who`.
template <class Gate>
class gate_contest {
public:
    // slow_ways: one in how many of the owner's ways in is enter_slow().
    template <class Barrier>
    void run(unsigned others, std::size_t slow_ways, Barrier barrier) {
        std::atomic<bool> done{false};
        std::atomic<std::uint64_t> by_others{0};
        run_threads(others + 1, [&](unsigned i) {
            if (i != 0) {
                by_others += close_often(i, done, barrier);
            } else {
                entered_ = enter_often(slow_ways);
                done = true;
            }
        });
        EXPECT_EQ(value_, entered_ + by_others) << "two were behind the gate at once";
        EXPECT_EQ(met_, 0U) << "two were behind the gate at once";
    }

private:
    // Until it was in often enough: others may hold the gate for as long as they sleep.
    std::uint64_t enter_often(std::size_t slow_ways) {
        random_source random(1);
        const std::size_t wanted = effort(1'000'000);
        for (std::uint64_t entered = 0; entered < wanted;) {
            if (!(random.one_in(slow_ways) ? gate_.enter_slow() : gate_.enter())) {
                if (!gate_.take_wish()) std::this_thread::yield();
                continue;
            }
            behind(0);
            gate_.leave();
            ++entered;
        }
        return wanted;
    }

    template <class Barrier>
    std::uint64_t close_often(unsigned name, const std::atomic<bool>& done, Barrier barrier) {
        std::uint64_t closed = 0;
        while (!done) {
            if (!gate_.close(barrier)) continue;
            for (int i = 0; i < 20; ++i) behind(name);
            gate_.open();
            closed += 20;
        }
        return closed;
    }

    // volatile: the compiler may not fold what two threads could see of each other.
    void behind(unsigned name) {
        who_ = name;
        value_ = value_ + 1;
        if (who_ != name) met_ = met_ + 1;
    }

    Gate gate_;
    volatile unsigned who_ = 0;
    volatile std::uint64_t value_ = 0;
    volatile unsigned met_ = 0;
    std::uint64_t entered_ = 0;
};

} // namespace synk_test
