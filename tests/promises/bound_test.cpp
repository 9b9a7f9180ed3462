// Promise 3: what lies idle is bounded in bytes, caches of all threads included, with 1 or 1,000 threads; the channel
// of tier t holds at most max(8, 256 >> t) blocks.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <memory>
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

std::size_t size_in(unsigned tier, random_source& random) {
    const std::size_t most = page << tier;
    return random.between(most / 2 + 1, most);
}

// ---- channels ----

void expect_channels_bounded() {
    const synk::statistics s = synk::stats();
    for (unsigned t = 0; t <= 10; ++t) {
        const std::size_t room = std::max(8U, 256U >> t);
        if (s.tiers[t].in_channel > room) ADD_FAILURE() << "tier " << t << ": " << s.tiers[t].in_channel;
        if (s.tiers[t].channel_room != room) ADD_FAILURE() << "tier " << t;
    }
}

class Channels : public fresh_pool {};

TEST_F(Channels, AreFullAtTheirBoundAndNoFuller) {
    synk::configure(quiet_with_limit(4096 * mib));
    for (unsigned tier = 0; tier <= 10; ++tier) {
        const std::size_t room = std::max(8U, 256U >> tier);
        std::vector<synk::bytes> held;
        for (std::size_t i = 0; i < 2 * room + 200; ++i) held.push_back(synk::get_sized_pool().get_sized(page << tier));
        std::thread([&held] { held.clear(); }).join(); // its cache goes to the channels when it ends
        EXPECT_EQ(synk::stats().tiers[tier].in_channel, room) << "tier " << tier;
        expect_channels_bounded();
        synk::trim();
    }
}

// Blocks of all lengths in a tier, got and put in such numbers that caches run over and run dry.
TEST_F(Channels, StayBoundedUnderStress) {
    random_source random = seeded();
    std::atomic<unsigned> running{3};
    const std::uint64_t seed = random.next();
    run_threads(4, [&](unsigned i) {
        if (i == 3) {
            while (running != 0) expect_channels_bounded();
            return;
        }
        random_source mine(seed + i);
        for (std::size_t round = 0; round < effort(3'000); ++round) {
            const auto tier = static_cast<unsigned>(mine.below(9));
            std::vector<synk::bytes> held;
            for (std::size_t n = 0; n < 150 && n << tier < 2'000; ++n)
                held.push_back(synk::get_sized_pool().get_sized(size_in(tier, mine)));
        }
        --running;
    });
    expect_channels_bounded();
}

// ---- idle bytes ----

// Threads that work for a while and then all stand still, so that what lies idle can be read exactly.
class crowd {
public:
    crowd(unsigned threads, std::size_t rounds, random_source& random)
        : threads_(threads), rounds_(rounds), seed_(random.next()), still_(threads + 1) {}

    // look(round) runs while all stand still.
    template <class Look>
    void run(Look look) {
        run_threads(threads_ + 1, [&](unsigned i) {
            if (i != threads_) return work(random_source(seed_ + i));
            for (std::size_t r = 0; r < rounds_; ++r) {
                still_.arrive_and_wait();
                look(r);
                still_.arrive_and_wait();
            }
        });
    }

private:
    void work(random_source random) {
        std::vector<synk::bytes> held;
        for (std::size_t r = 0; r < rounds_; ++r) {
            for (int i = 0; i < 60; ++i) step(held, random);
            still_.arrive_and_wait();
            still_.arrive_and_wait();
        }
    }

    // Holds up to 16 blocks, and sometimes lets go of all.
    static void step(std::vector<synk::bytes>& held, random_source& random) {
        if (random.one_in(40)) held.clear();
        if (held.size() >= 16 || (!held.empty() && random.one_in(2))) {
            std::swap(held[random.below(held.size())], held.back());
            held.pop_back();
            return;
        }
        const auto tier = static_cast<unsigned>(random.below(random.between(1, 12)));
        held.push_back(synk::get_sized_pool().get_sized(size_in(tier, random)));
    }

    unsigned threads_;
    std::size_t rounds_;
    std::uint64_t seed_;
    std::barrier<> still_;
};

class IdleBytes : public fresh_pool {
protected:
    // The limit goes up and down while the threads stand still.
    static void expect_bounded(unsigned threads, std::size_t rounds) {
        random_source random = seeded();
        std::size_t limit = synk::current_options().idle_limit;
        std::size_t most = 0;
        crowd(threads, rounds, random).run([&](std::size_t) {
            EXPECT_LE(synk::stats().idle, limit);
            most = std::max(most, synk::stats().idle);
            expect_accounts_balance();
            limit = random.below(5) == 0 ? 0 : (mib << random.below(8)) + random.below(mib);
            synk::configure(quiet_with_limit(limit));
            EXPECT_LE(synk::stats().idle, limit) << "when configure has returned";
        });
        EXPECT_GT(most, 4 * mib) << "nothing lay idle: this has tested nothing";
        EXPECT_LE(synk::stats().idle, limit) << "when all threads have ended";
    }
};

TEST_F(IdleBytes, StayUnderTheLimitWithOneThread) { expect_bounded(1, effort(800)); }
TEST_F(IdleBytes, StayUnderTheLimitWithEightThreads) { expect_bounded(8, effort(300)); }
TEST_F(IdleBytes, StayUnderTheLimitWith200Threads) { expect_bounded(200, effort(40)); }

// Huge pages make more of a chunk resident than was asked for: that is counted too.
TEST_F(IdleBytes, OfHugePagesStayUnderTheLimit) {
    for (const std::size_t limit : {std::size_t{0}, mib, 16 * mib}) {
        synk::options o = quiet_with_limit(limit);
        o.huge = synk::huge_pages::on;
        synk::configure(o);
        std::vector<synk::bytes> held;
        for (int i = 0; i < 40; ++i) {
            held.push_back(synk::get_sized_pool().get_sized(i % 2 == 0 ? page : 3 * mib));
            EXPECT_LE(synk::stats().idle, limit);
            expect_accounts_balance();
        }
        held.clear();
        EXPECT_LE(synk::stats().idle, limit);
    }
}

// Each thread holds what no other can use meanwhile, and lets go of it before it sleeps.
TEST_F(IdleBytes, OfThreadsThatSleepCount) {
    constexpr std::size_t threads = 50;
    std::vector<std::vector<synk::bytes>> held(threads);
    for (std::vector<synk::bytes>& h : held)
        for (const std::size_t n : {page, 64 * kib, mib, 4 * mib, 5 * mib})
            for (int i = 0; i < 4; ++i) h.push_back(synk::get_sized_pool().get_sized(n));
    std::vector<std::unique_ptr<worker>> sleepers;
    for (std::vector<synk::bytes>& h : held) {
        sleepers.push_back(std::make_unique<worker>());
        sleepers.back()->run([&h] { h.clear(); });
        EXPECT_LE(synk::stats().idle, synk::current_options().idle_limit);
        expect_accounts_balance();
    }
    EXPECT_GT(synk::stats().idle, synk::current_options().idle_limit / 2) << "little lay idle: this has tested little";
}

} // namespace
