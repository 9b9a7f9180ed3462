// Threads that share one processor neither sleep for each other nor spin for each other: four of them never give their
// processor up in gets and puts, and use as much of its time there as on two.
//
// ctest-variants: plain
#include <array>
#include <ctime>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <synk/pool.hpp>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

constexpr unsigned threads = 4;

void stay_on(unsigned cpus) {
    cpu_set_t allowed, chosen;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    CPU_ZERO(&chosen);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&chosen) < static_cast<int>(cpus); ++cpu)
        if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &chosen);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(chosen), &chosen), 0);
}

// Bursts far beyond what the caches hold, so that all threads meet in the channels, the chunks and the budget: once
// warm, without a call of the system.
void bursts(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<synk::bytes> small(8000), longer(8000);
        for (synk::bytes& b : small) b = synk::get_sized_pool().get_sized(page);
        for (synk::bytes& b : longer) b = synk::get_sized_pool().get_sized(2 * page);
    }
}

struct price {
    double seconds = 0;     // of processor time, of all threads together: others' work is not in it
    long given_up = 0;      // how often a thread gave up the processor by itself
    std::uint64_t hits = 0; // gets served by a channel
};

std::uint64_t channel_hits() {
    std::uint64_t sum = 0;
    for (const auto& tier : synk::stats().tiers) sum += tier.channel_hits;
    return sum;
}

price price_of(std::size_t count) {
    std::array<price, threads> each;
    const std::uint64_t hits = channel_hits();
    run_threads(threads, [&](unsigned i) {
        bursts(10);
        rusage before{}, after{};
        timespec begin{}, end{};
        ::getrusage(RUSAGE_THREAD, &before);
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        bursts(count);
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        ::getrusage(RUSAGE_THREAD, &after);
        each[i].seconds =
            static_cast<double>(end.tv_sec - begin.tv_sec) + static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9;
        each[i].given_up = after.ru_nvcsw - before.ru_nvcsw;
    });
    price all;
    for (const price& p : each) {
        all.seconds += p.seconds;
        all.given_up += p.given_up;
    }
    all.hits = channel_hits() - hits;
    std::printf("%.3f s of processor time, given up %ld times, %llu gets from channels\n", all.seconds, all.given_up,
                static_cast<unsigned long long>(all.hits));
    return all;
}

class OneCpu : public fresh_pool {
protected:
    void SetUp() override {
        fresh_pool::SetUp();
        ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed_), &allowed_), 0);
        synk::configure(quiet_with_limit(1024 * mib));
    }
    void TearDown() override {
        ::sched_setaffinity(0, sizeof(allowed_), &allowed_);
        fresh_pool::TearDown();
    }
    cpu_set_t allowed_;
};

TEST_F(OneCpu, FourThreadsNeverGiveItUp) {
    stay_on(1);
    const price p = price_of(effort(2'800));
    EXPECT_GT(p.hits, 100'000U) << "the threads have hardly met";
    // A call of the system may sleep in the system: those that still come while all caches fill.
    EXPECT_LE(p.given_up, 20);
}

TEST_F(OneCpu, FourThreadsTakeAsMuchOfItAsOnTwo) {
    if (CPU_COUNT(&allowed_) < 2) GTEST_SKIP() << "there is only one";
    stay_on(2);
    const price two = price_of(effort(1'600));
    ASSERT_EQ(::sched_setaffinity(0, sizeof(allowed_), &allowed_), 0);
    stay_on(1);
    const price one = price_of(effort(1'600));
    EXPECT_LE(one.seconds, 3 * two.seconds) << "somebody spins until another is done";
}

} // namespace
