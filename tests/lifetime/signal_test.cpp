// Signal handlers that get and put while the code they interrupt gets and puts.
// ctest-variants: plain asan
// (ThreadSanitizer objects to the pthread_create of the keeper's start, which a first put of a megabyte in a handler
// would be: see docs/giving-back.md.)
#include <atomic>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/time.h>

#include <synk/pool.hpp>

#include "support/blocks.hpp"
#include "support/effort.hpp"

namespace {

using synk_test::churn;
using synk_test::effort;
using synk_test::require;

std::atomic<unsigned> handled{0};
churn* of_the_handler = nullptr;

// What it gets at one signal it puts at a later one: the handles travel between the interrupted code and the handler.
void get_and_put(int) {
    of_the_handler->step();
    of_the_handler->step();
    ++handled;
}

void on_signal(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(number, &action, nullptr);
}

void every_microseconds(suseconds_t interval) {
    const itimerval timer{{0, interval}, {0, interval}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

// Gets and puts of the interrupted code, until the handler has run so often; with the slow ways through the pool.
void work_until_handled(std::size_t times) {
    churn work(1);
    for (unsigned i = 0; handled < times; ++i) {
        for (int n = 0; n < 50; ++n) work.step();
        if (i % 64 == 0) synk::trim();
    }
    work.finish();
}

void require_nothing_is_lost() {
    of_the_handler->finish();
    require(synk::stats().lent == 0, "nothing is lost");
}

TEST(Signals, OfATimer) {
    EXPECT_TRUE(synk_test::ends_well(synk_test::in_child([] {
        churn other(1'000'000);
        of_the_handler = &other;
        on_signal(SIGALRM, get_and_put);
        every_microseconds(200);
        work_until_handled(effort(5000));
        every_microseconds(0);
        require_nothing_is_lost();
    })));
}

TEST(Signals, FromAnotherThread) {
    EXPECT_TRUE(synk_test::ends_well(synk_test::in_child([] {
        churn other(1'000'000);
        of_the_handler = &other;
        on_signal(SIGUSR1, get_and_put);
        std::atomic<bool> done{false};
        std::thread sender([&done, target = ::pthread_self()] {
            while (!done) {
                ::pthread_kill(target, SIGUSR1);
                std::this_thread::sleep_for(std::chrono::microseconds(50));
            }
        });
        work_until_handled(effort(20'000));
        done = true;
        sender.join();
        require_nothing_is_lost();
    })));
}

TEST(Signals, FirstUseOfThePoolInAHandler) {
    EXPECT_TRUE(synk_test::ends_well(synk_test::in_child([] {
        on_signal(SIGUSR1, [](int) { synk_test::require_every_tier_works(1); });
        ::raise(SIGUSR1);
        synk_test::require_every_tier_works(2);
        require(synk::stats().lent == 0, "nothing is lost");
    })));
}

// A handler interrupts a thread that is behind the gate of its own cache.
TEST(Signals, InsideOfTheOwnCache) {
    EXPECT_TRUE(synk_test::ends_well(synk_test::in_child([] {
        synk_test::require_every_tier_works(1);
        on_signal(SIGUSR1, [](int) { synk_test::require_every_tier_works(2); });
        auto* const cache = synk::detail::this_thread_start.cache;
        require(cache->gate.enter_slow(), "the thread has a cache");
        ::raise(SIGUSR1);
        cache->gate.leave();
        synk_test::require_every_tier_works(3);
        require(synk::stats().lent == 0, "nothing is lost");
    })));
}

} // namespace
