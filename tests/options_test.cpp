// <synk/options.hpp>: each option does what its comment says, trim() too.
#include <synk/options.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/pattern.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class Options : public fresh_pool {
protected:
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    static std::span<std::byte> whole(synk::bytes& b) { return {b.data(), b.capacity()}; }
    static std::size_t idle() { return synk::stats().idle; }

    // Blocks of mixed sizes, in all `bytes` long or a little longer.
    static std::vector<synk::bytes> get_many(std::size_t bytes) {
        std::vector<synk::bytes> held;
        constexpr std::size_t sizes[] = {page, 3 * page, 64 * kib, 200 * kib, mib, 4 * mib, 5 * mib};
        for (std::size_t i = 0; bytes != 0; ++i) {
            held.push_back(get(sizes[i % std::size(sizes)]));
            bytes -= std::min(bytes, held.back().capacity());
        }
        return held;
    }
    static void put_many(std::size_t bytes) { get_many(bytes).clear(); }
};

// ---- configure and current_options ----

TEST_F(Options, DefaultsAreTheDocumentedOnes) {
    const synk::options defaults;
    EXPECT_EQ(defaults.idle_limit, 128 * mib);
    EXPECT_EQ(defaults.weak_after, std::chrono::milliseconds(400));
    EXPECT_EQ(defaults.gone_after, std::chrono::seconds(5));
    EXPECT_EQ(defaults.huge, synk::huge_pages::automatic);
    EXPECT_TRUE(defaults.keeper);
    EXPECT_FALSE(defaults.trim_on_fork);
    EXPECT_FALSE(defaults.zero_on_get);
    EXPECT_FALSE(defaults.clear_on_put);
    EXPECT_FALSE(defaults.hardened);
    EXPECT_EQ(defaults.guard_sample, 256U);
    EXPECT_EQ(defaults.quarantine, 16 * mib);
}

using std::chrono::milliseconds;
constexpr milliseconds day = std::chrono::hours(24);

// Each option at both ends of its range, all others as they are by default.
std::vector<synk::options> extremes() {
    std::vector<synk::options> all(19);
    all[0].idle_limit = 0;
    all[1].idle_limit = inside::max_block_size;
    all[2].weak_after = milliseconds(4);
    all[3].weak_after = all[3].gone_after;
    all[4].gone_after = all[4].weak_after;
    all[5].gone_after = day;
    all[6].weak_after = all[6].gone_after = day;
    all[7].huge = synk::huge_pages::on;
    all[8].huge = synk::huge_pages::off;
    all[9].keeper = false;
    all[10].trim_on_fork = true;
    all[11].zero_on_get = true;
    all[12].clear_on_put = true;
    all[13].hardened = true;
    all[14].guard_sample = 0;
    all[15].guard_sample = 1'000'000;
    all[16].quarantine = 0;
    all[17].quarantine = inside::max_block_size;
    return all;
}

TEST_F(Options, WhatIsConfiguredIsInForce) {
    for (const synk::options& wanted : extremes()) {
        synk::configure(wanted);
        EXPECT_EQ(synk::current_options(), wanted);
    }
}

std::string refusal_of(const synk::options& wanted) {
    try {
        synk::configure(wanted);
    } catch (const std::invalid_argument& refusal) {
        return refusal.what();
    }
    return "nothing was refused";
}

class Refusals : public Options {
protected:
    void SetUp() override {
        Options::SetUp();
        before_ = quiet_with_limit(7 * mib);
        before_.zero_on_get = true;
        synk::configure(before_);
    }
    // Every other field differs from what is in force: nothing of it may come through.
    void expect_refused(synk::options wanted, const char* name, const char* range) const {
        wanted.clear_on_put = true;
        const std::string why = refusal_of(wanted);
        EXPECT_THAT(why, testing::HasSubstr(name));
        EXPECT_THAT(why, testing::HasSubstr(range));
        EXPECT_EQ(synk::current_options(), before_) << why;
    }

private:
    synk::options before_;
};

TEST_F(Refusals, AnIdleLimitBeyondAllMemory) {
    for (const std::size_t limit : {inside::max_block_size + 1, ~std::size_t{0}}) {
        synk::options wanted;
        wanted.idle_limit = limit;
        expect_refused(wanted, "idle_limit", "between 0 and 2^46 bytes");
    }
}

TEST_F(Refusals, TimesOutOfRange) {
    for (const milliseconds t : {milliseconds(3), milliseconds(0), milliseconds(-1), day + milliseconds(1)}) {
        synk::options wanted;
        wanted.weak_after = t;
        wanted.gone_after = day;
        expect_refused(wanted, "weak_after", "between 4 ms and 1 day");
    }
    synk::options wanted;
    for (const milliseconds t : {wanted.weak_after - milliseconds(1), milliseconds(-1), day + milliseconds(1)}) {
        wanted.gone_after = t;
        expect_refused(wanted, "gone_after", "between weak_after and 1 day");
    }
}

TEST_F(Refusals, HugePagesThatAreNone) {
    synk::options wanted;
    wanted.huge = static_cast<synk::huge_pages>(3);
    expect_refused(wanted, "huge", "automatic, on or off");
}

TEST_F(Refusals, AGuardSampleOrAQuarantineOutOfRange) {
    synk::options wanted;
    wanted.guard_sample = 1'000'001;
    expect_refused(wanted, "guard_sample", "between 0 and 1000000");
    wanted = {};
    wanted.quarantine = inside::max_block_size + 1;
    expect_refused(wanted, "quarantine", "between 0 and 2^46 bytes");
}

// ---- trim ----

TEST_F(Options, TrimGivesEverythingBackAndSaysHowMuch) {
    put_many(60 * mib);
    const synk::statistics before = synk::stats();
    EXPECT_GE(before.idle, 50 * mib);
    const std::size_t given = synk::trim();
    const synk::statistics after = synk::stats();
    EXPECT_EQ(after.idle, 0U);
    EXPECT_EQ(given, before.idle);
    EXPECT_EQ(after.given_back - before.given_back, given);
    EXPECT_EQ(synk::trim(), 0U) << "nothing is left";
}

TEST_F(Options, TrimKeepsWhatItIsToldToKeep) {
    for (const std::size_t keep : {std::size_t{0}, page, 3 * mib, 10 * mib, 25 * mib}) {
        put_many(40 * mib);
        const synk::statistics before = synk::stats();
        ASSERT_GT(before.idle, keep);
        const std::size_t given = synk::trim(keep);
        const synk::statistics after = synk::stats();
        EXPECT_LE(after.idle, keep);
        EXPECT_EQ(given, before.idle - after.idle);
        EXPECT_EQ(after.given_back - before.given_back, given);
        expect_accounts_balance();
    }
}

TEST_F(Options, TrimThatMayKeepEverythingDoesNothing) {
    put_many(10 * mib);
    const std::size_t before = idle();
    EXPECT_EQ(synk::trim(before), 0U);
    EXPECT_EQ(synk::trim(before + 1), 0U);
    EXPECT_EQ(synk::trim(~std::size_t{0}), 0U);
    EXPECT_EQ(idle(), before);
}

TEST_F(Options, TrimTakesFromTheCachesOfOtherThreads) {
    worker one;
    worker other;
    for (worker* const w : {&one, &other}) w->run([] { put_many(20 * mib); });
    const std::size_t before = idle();
    EXPECT_GE(synk::stats().idle_cached, 10 * mib) << "the caches have nothing: this tests something else";
    EXPECT_EQ(synk::trim(), before);
    EXPECT_EQ(idle(), 0U);
    one.run([] { put_many(mib); }); // and they go on
}

TEST_F(Options, TrimTakesNothingFromThoseWhoHoldIt) {
    std::vector<synk::bytes> held = get_many(20 * mib);
    for (std::size_t i = 0; i < held.size(); ++i) fill(whole(held[i]), i);
    put_many(10 * mib);
    synk::trim();
    for (std::size_t i = 0; i < held.size(); ++i) EXPECT_EQ(first_broken(whole(held[i]), i), intact);
}

TEST_F(Options, TrimSaysHowMuchWhenTheShelfIsFull) {
    synk::configure(quiet_with_limit(2048 * mib));
    std::vector<synk::bytes> large;
    for (int i = 0; i < 80; ++i) large.push_back(get(5 * mib));
    large.clear();
    worker other;
    other.run([] { put_many(40 * mib); });
    const synk::statistics before = synk::stats();
    const std::size_t given = synk::trim();
    EXPECT_EQ(given, before.idle);
    EXPECT_EQ(synk::stats().given_back - before.given_back, given);
}

TEST_F(Options, TrimDoesNotLieWhenTheSystemRefuses) {
    const auto lent = synk::get_sized_pool().get_sized(64 * 1024); // so that the chunk cannot be unmapped
    synk::get_sized_pool().get_sized(2 * mib).reset();             // into that chunk
    const synk::statistics before = synk::stats();
    ASSERT_EQ(before.idle_large, 0U);
    {
        const system_that_refuses system({.advise = true});
        EXPECT_EQ(synk::trim(), 0U);
        EXPECT_GT(system.count(), 0U);
    }
    const synk::statistics after = synk::stats();
    EXPECT_EQ(after.idle, before.idle);
    EXPECT_EQ(after.given_back, before.given_back);
    EXPECT_GT(after.refused_advice, before.refused_advice);
    EXPECT_EQ(synk::trim(), before.idle);
}

// ---- idle_limit ----

TEST_F(Options, ALoweredLimitHoldsWhenConfigureReturns) {
    for (const std::size_t limit : {50 * mib, 10 * mib, mib, page, std::size_t{0}}) {
        synk::configure(quiet());
        worker other;
        other.run([] { put_many(50 * mib); });
        put_many(50 * mib);
        ASSERT_GT(idle(), limit);
        synk::configure(quiet_with_limit(limit));
        EXPECT_LE(idle(), limit);
        expect_accounts_balance();
    }
}

// Places that the caches were promised under the old limit must not be filled under the new one.
TEST_F(Options, ALoweredLimitHoldsForWhatIsLentAtThatMoment) {
    for (const std::size_t limit : {10 * mib, mib, std::size_t{0}}) {
        synk::configure(quiet());
        worker other;
        std::vector<synk::bytes> here;
        std::vector<synk::bytes> there;
        for (int round = 0; round < 3; ++round) { // so that the caches get used to that much
            here = get_many(50 * mib);
            other.run([&] { there = get_many(50 * mib); });
            if (round == 2) break;
            here.clear();
            other.run([&] { there.clear(); });
        }
        synk::configure(quiet_with_limit(limit));
        here.clear();
        EXPECT_LE(idle(), limit);
        other.run([&] { there.clear(); });
        EXPECT_LE(idle(), limit);
        expect_accounts_balance();
    }
}

TEST_F(Options, NothingMayLieIdleAndThePoolStillWorks) {
    synk::configure(quiet_with_limit(0));
    for (const std::size_t n : boundary_sizes()) {
        synk::bytes b = get(n);
        ASSERT_EQ(b.size(), n);
        if (n > 64 * kib && n % mib > page) continue; // not all large ones: touching is what costs here
        fill(whole(b), n);
        EXPECT_EQ(first_broken(whole(b), n), intact);
        b.reset();
        EXPECT_EQ(idle(), 0U) << n;
    }
    EXPECT_GT(synk::stats().dropped, 0U);
}

TEST_F(Options, ALimitWithRoomForOneBlockIsUsed) {
    synk::configure(quiet_with_limit(4 * mib));
    put_many(40 * mib);
    EXPECT_LE(idle(), 4 * mib);
    EXPECT_GT(idle(), 0U);
}

} // namespace
