// fork in the middle of traffic leaves two processes, each with a working pool.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "support/blocks.hpp"
#include "support/effort.hpp"
#include "support/threads.hpp"

namespace {

using synk_test::children_may_start_threads;
using synk_test::churn;
using synk_test::effort;
using synk_test::ends_well;
using synk_test::in_child;
using synk_test::no_threads_in_children;
using synk_test::require;
using synk_test::require_every_tier_works;

// Threads that get and put until it ends, and from time to time send each other through the slow paths.
class traffic {
public:
    explicit traffic(unsigned threads) {
        for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i); });
        while (steps_ < 100 * threads) std::this_thread::yield();
    }
    traffic(const traffic&) = delete;
    traffic& operator=(const traffic&) = delete;
    ~traffic() {
        done_ = true;
        stand(false);
        for (std::thread& t : threads_) t.join();
    }
    // Returns when all together have gone on by n steps.
    void let_run(unsigned n) {
        stand(false);
        const unsigned begin = steps_;
        while (steps_ - begin < n) std::this_thread::yield();
    }

    // Forks in the middle of it, and lets it stand while the child runs, which would only wait for its processors.
    template <class Body>
    synk_test::ending fork(Body body) {
        return in_child(body, [this] { stand(true); });
    }

private:
    void stand(bool wanted) {
        stands_ = wanted;
        stands_.notify_all();
    }
    void run(unsigned number) {
        churn work(number + 1);
        for (unsigned i = 0; !done_; ++i) {
            stands_.wait(true);
            work.step();
            ++steps_;
            if (i % 512 == number) synk::trim(); // empties the others' caches and the channels
        }
        work.finish();
    }

    std::atomic<bool> done_{false}, stands_{false};
    std::atomic<unsigned> steps_{0};
    std::vector<std::thread> threads_;
};

void require_sane_stats() {
    const synk::statistics s = synk::stats();
    require(s.idle == s.idle_cached + s.idle_channel + s.idle_chunk + s.idle_large + s.idle_quarantine,
            "idle is the sum of its parts");
    require(s.lent <= s.mapped && s.idle <= s.mapped && s.gone <= s.mapped, "no part is larger than the whole");
    require(s.mapped < std::size_t{64} << 30, "no count has run below zero");
    for (const auto& tier : s.tiers) require(tier.in_channel <= tier.channel_room, "the channels keep their bounds");
}

void require_threads_work() {
    synk_test::run_threads(3, [](unsigned i) {
        churn work(100 + i);
        for (int n = 0; n < 20; ++n) work.step();
        work.finish();
        require_every_tier_works(200 + i);
    });
}

// All that a child must be able to do. What its parent's threads held stays lent in it, and is nobody's.
void require_pool_works() {
    const std::size_t lent = synk::stats().lent;
    require_every_tier_works(1);
    require_threads_work();
    require_sane_stats();
    synk::trim();
    require_every_tier_works(2);
    require(synk::stats().lent == lent, "a child loses nothing of its own");
}

// By chance, and in all threads at once; at each step of one: faults/every_step_test.cpp.
TEST(ForkInTraffic, LeavesTheChildWithAWorkingPool) {
    if (!children_may_start_threads) GTEST_SKIP() << no_threads_in_children;
    traffic threads(3);
    for (std::size_t i = 0; i < effort(25); ++i) {
        threads.let_run(20);
        ASSERT_TRUE(ends_well(threads.fork(require_pool_works))) << "child " << i;
    }
}

TEST(ForkInTraffic, LeavesTheParentWithAWorkingPool) {
    {
        traffic threads(3);
        for (std::size_t i = 0; i < effort(50); ++i) {
            threads.let_run(20);
            ASSERT_TRUE(ends_well(in_child([] {}))) << "child " << i;
        }
    } // the traffic has checked its patterns
    EXPECT_EQ(synk::stats().lent, 0U) << "nothing is lost in the parent";
    if (children_may_start_threads) {
        EXPECT_TRUE(ends_well(in_child(require_pool_works)));
    }
}

TEST(ForkInTraffic, FromAThreadThatIsNotMain) {
    if (!children_may_start_threads) GTEST_SKIP() << no_threads_in_children;
    traffic threads(3);
    synk_test::worker other;
    for (std::size_t i = 0; i < effort(12); ++i) {
        threads.let_run(20);
        synk_test::ending e;
        other.run([&] {
            require_every_tier_works(5);
            e = threads.fork(require_pool_works);
        });
        ASSERT_TRUE(ends_well(e)) << "child " << i;
    }
}

TEST(ForkInTraffic, FromAThreadThatHasNotUsedThePool) {
    if (!children_may_start_threads) GTEST_SKIP() << no_threads_in_children;
    traffic threads(3);
    for (std::size_t i = 0; i < effort(12); ++i) {
        threads.let_run(20);
        synk_test::ending e;
        std::thread([&] { e = threads.fork(require_pool_works); }).join();
        ASSERT_TRUE(ends_well(e)) << "child " << i;
    }
}

// Each generation forks out of its own traffic; how many are still to come, the argument says.
void be_ancestor_of(unsigned generations) {
    require_pool_works();
    if (generations == 0) return;
    traffic threads(2);
    const synk_test::ending e = threads.fork([=] { be_ancestor_of(generations - 1); });
    require(e.good(), e.words.c_str());
}

TEST(ForkInTraffic, Grandchildren) {
    if (!children_may_start_threads) GTEST_SKIP() << no_threads_in_children;
    traffic threads(2);
    for (std::size_t i = 0; i < effort(4); ++i) {
        threads.let_run(20);
        ASSERT_TRUE(ends_well(threads.fork([] { be_ancestor_of(3); }))) << "family " << i;
    }
}

pid_t exec_true_by_vfork() {
    const pid_t child = ::vfork();
    if (child == 0) {
        ::execl("/bin/true", "true", nullptr);
        ::_exit(1);
    }
    return child;
}

TEST(ForkInTraffic, VforkAndExec) {
    {
        traffic threads(3);
        for (std::size_t i = 0; i < effort(50); ++i) {
            threads.let_run(20);
            require_every_tier_works(3);
            const pid_t child = exec_true_by_vfork();
            ASSERT_GT(child, 0);
            ASSERT_EQ(synk_test::status_of(child), 0);
        }
    }
    EXPECT_EQ(synk::stats().lent, 0U);
}

} // namespace
