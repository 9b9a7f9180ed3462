// A thread that is stopped anywhere inside the pool stops nobody: while it stands, every other thread completes a fixed
// number of operations. What is measured is operations; time only ends a test in which they do not come.
//
// ctest: TIMEOUT 900
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>

#include <synk/pool.hpp>

#include "hammer.hpp"
#include "support/effort.hpp"
#include "support/stoppable.hpp"
#include "support/system_that_holds.hpp"

namespace {

using never_waits::hammer;
using synk_test::effort;
using synk_test::stoppable;
using synk_test::system_that_holds;

constexpr auto patience = std::chrono::minutes(2);

// Threads that hammer the pool and count what they have done.
class others {
public:
    explicit others(unsigned n) {
        for (unsigned i = 0; i < n; ++i) all_.emplace_back();
        for (unsigned i = 0; i < n; ++i) all_[i].thread = std::thread([this, i] { run(all_[i], i); });
        if (!go_on(1)) std::abort(); // they are there
    }
    others(const others&) = delete;
    others& operator=(const others&) = delete;
    ~others() {
        done_ = true;
        for (one& o : all_) o.thread.join();
    }

    // Whether each of them completes so many steps more.
    [[nodiscard]] bool go_on(std::uint64_t steps) {
        const auto end = std::chrono::steady_clock::now() + patience;
        for (one& o : all_) o.goal = o.steps + steps;
        for (one& o : all_)
            while (o.steps < o.goal) {
                if (std::chrono::steady_clock::now() > end) return false;
                std::this_thread::sleep_for(std::chrono::microseconds(100));
            }
        return true;
    }

private:
    struct alignas(64) one {
        std::atomic<std::uint64_t> steps{0};
        std::uint64_t goal = 0;
        std::thread thread;
    };
    void run(one& o, unsigned number) {
        hammer work(number + 100);
        while (!done_) {
            work.step();
            ++o.steps;
        }
    }

    std::deque<one> all_;
    std::atomic<bool> done_{false};
};

void be_stopped(stoppable& self) {
    hammer work(1);
    while (!self.done()) {
        self.enter();
        work.step();
        self.leave();
    }
}

// Lets time pass, so that the next stop is somewhere else.
void wander(unsigned round) { std::this_thread::sleep_for(std::chrono::microseconds(round * 7919 % 500)); }

void expect_progress_at_every_stop() {
    others workers(3);
    stoppable victim(be_stopped);
    const std::size_t wanted = effort(250);
    std::size_t inside = 0;
    for (unsigned round = 0; inside < wanted; ++round) {
        wander(round);
        if (victim.stop()) ++inside;
        const bool progress = workers.go_on(3);
        victim.let_go();
        ASSERT_TRUE(progress) << "in round " << round << " a thread waits for the one that is stopped";
    }
}

// Few blocks may stay idle, and they age at once: so that caches are emptied and memory is given back all the time.
void hurry_everything() {
    synk::options o;
    o.idle_limit = std::size_t{16} << 20;
    o.weak_after = std::chrono::milliseconds(4);
    o.gone_after = std::chrono::milliseconds(8);
    o.keeper = false; // its work is done on the slow paths, by those who can be stopped
    synk::configure(o);
}

void stay_on_one_cpu() {
    cpu_set_t allowed, one;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    CPU_ZERO(&one);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &one);
            break;
        }
    ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
}

class Stopped : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed_), &allowed_), 0); }
    void TearDown() override {
        ::sched_setaffinity(0, sizeof(allowed_), &allowed_);
        synk::configure({});
        EXPECT_EQ(synk::stats().lent, 0U) << "nothing is lost";
    }

private:
    cpu_set_t allowed_;
};

TEST_F(Stopped, AnywhereStopsNobody) { expect_progress_at_every_stop(); }

TEST_F(Stopped, AnywhereStopsNobodyWhileMemoryIsGivenBack) {
    hurry_everything();
    expect_progress_at_every_stop();
}

TEST_F(Stopped, AnywhereStopsNobodyOnOneCpu) {
    stay_on_one_cpu();
    expect_progress_at_every_stop();
}

TEST_F(Stopped, AnywhereStopsNobodyOnOneCpuWhileMemoryIsGivenBack) {
    stay_on_one_cpu();
    hurry_everything();
    expect_progress_at_every_stop();
}

// In the longest of the pool's slow ways: the system's calls, with all that is taken hold of around them.
TEST_F(Stopped, InACallOfTheSystemStopsNobody) {
    using call = system_that_holds::call;
    hurry_everything();
    for (const call where : {call::map, call::unmap, call::advise, call::remap, call::barrier}) {
        const system_that_holds system(where);
        others workers(3);
        std::thread held([] {
            system_that_holds::this_thread_may_be_held();
            hammer work(1);
            while (!system_that_holds::was_let_go()) work.step();
        });
        system_that_holds::wait_until_held();
        const bool progress = workers.go_on(effort(200));
        system_that_holds::let_go();
        held.join();
        ASSERT_TRUE(progress) << "a thread waits for the one in call " << static_cast<int>(where);
    }
}

TEST_F(Stopped, NobodyFourThreadsOnOneCpuFinish) {
    stay_on_one_cpu();
    others workers(4);
    EXPECT_TRUE(workers.go_on(effort(5000)));
}

} // namespace
