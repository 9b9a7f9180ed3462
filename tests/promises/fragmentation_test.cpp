// A bounded live set needs bounded memory for ever: hours of gets and puts, mocked by many.
#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

// A live set that is always as full as it may be: a random block of it dies, others are born.
class live_set {
public:
    live_set(random_source random, std::size_t most) : random_(random), most_(most) {}

    void churn(std::size_t steps) {
        for (std::size_t i = 0; i < steps; ++i) {
            while (bytes_ < most_) add();
            remove();
        }
    }

private:
    void add() {
        held_.push_back(synk::get_sized_pool().get_sized(some_size()));
        bytes_ += held_.back().capacity();
    }
    void remove() {
        std::swap(held_[random_.below(held_.size())], held_.back());
        bytes_ -= held_.back().capacity();
        held_.pop_back();
    }
    std::size_t some_size() {
        const std::size_t most = page << random_.below(11);
        return random_.between(most / 2 + 1, most);
    }

    random_source random_;
    std::size_t most_; // bytes
    std::size_t bytes_ = 0;
    std::vector<synk::bytes> held_;
};

// Little may lie idle here, so what is mapped beyond the live set is lost to fragmentation.
class Fragmentation : public fresh_pool {
protected:
    static constexpr std::size_t live = 48 * mib;
    static constexpr std::size_t bound = 3 * live; // what was seen in 50 runs is 1.9 to 2.8 times
    // For the mean of ten looks, which was 2.3 to 2.6 times in 120 runs, one look up to 2.9. It was 2.9 to 3.1 when
    // pages with memory were cut wherever they lay.
    static constexpr std::size_t usual = live * 11 / 4;

    void SetUp() override {
        fresh_pool::SetUp();
        synk::configure(quiet_with_limit(16 * mib));
    }
};

// Address space that the first x operations need not have asked for: a leak of anything shows as much more.
TEST_F(Fragmentation, TwentyTimesTheWorkNeedsNoMoreMemory) {
    live_set set(seeded(), live);
    const std::size_t steps = effort(150'000);
    set.churn(steps);
    const std::size_t first = mapped();
    for (int i = 0; i < 20; ++i) set.churn(steps);
    std::printf("mapped %zu MiB, after 20 times the work %zu MiB\n", first / mib, mapped() / mib);
    EXPECT_LE(mapped(), first + first / 4);
    EXPECT_LE(mapped(), bound);
}

TEST_F(Fragmentation, NorDoesItInManyThreads) {
    random_source random = seeded();
    constexpr unsigned threads = 4;
    const std::uint64_t seed = random.next();
    std::vector<live_set> sets;
    for (unsigned i = 0; i < threads; ++i) sets.emplace_back(random_source(seed + i), live / threads);
    const auto churn = [&sets](std::size_t steps) {
        run_threads(threads, [&sets, steps](unsigned i) { sets[i].churn(steps); });
        return mapped();
    };
    constexpr std::size_t rounds = 10;
    const std::size_t first = churn(effort(60'000));
    std::size_t last = 0, sum = 0;
    for (std::size_t i = 0; i < rounds; ++i) sum += last = churn(effort(60'000));
    std::printf("mapped %zu MiB, after 10 times the work %zu MiB, usually %zu MiB\n", first / mib, last / mib,
                sum / rounds / mib);
    EXPECT_LE(last, bound);
    EXPECT_LE(sum / rounds, usual);
}

// Sizes that change in phases: what one phase needed serves the next.
TEST_F(Fragmentation, PhasesOfDifferentSizesShareTheirMemory) {
    std::vector<synk::bytes> held;
    for (int round = 0; round < 20; ++round)
        for (const std::size_t n : {page, 64 * kib, 4 * mib, 3 * page, mib, 24 * kib}) {
            held.clear();
            for (std::size_t bytes = 0; bytes < live; bytes += held.back().capacity())
                held.push_back(synk::get_sized_pool().get_sized(n));
            EXPECT_LE(mapped(), live + live / 8 + synk::current_options().idle_limit) << n;
        }
}

} // namespace
