// When a thread that shares processors uses long blocks seldom, and when often: then it has them in its cache.
//
// ctest-variants: plain tsan
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <sched.h>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/child.hpp"
#include "support/rare_use.hpp"

namespace {

using namespace synk_test;

TEST_F(RareUse, WhoUsesManyHasThemInItsCache) {
    in_one([] {
        EXPECT_FALSE(is_hit(mib));
        use_often();
        const std::uint64_t before = cache_hits();
        for (int i = 0; i < 100; ++i) use(mib);
        EXPECT_EQ(cache_hits(), before + 100);
    });
}

// All processors together: gets and puts, and it is known after so many.
TEST_F(RareUse, ManyIsMoreThanOneInEightMicroseconds) {
    constexpr int with_the_measuring_one = measured / 2 + 1;
    in_thread(0, [] { EXPECT_EQ(gets_until_a_hit(rarely), 0); });
    in_thread(1, [] { EXPECT_EQ(gets_until_a_hit(rarely - 10), with_the_measuring_one + 1); });
    system_of_processors::set_count(4);
    in_thread(2, [] { EXPECT_EQ(gets_until_a_hit(2 * rarely), 0); });
    in_thread(3, [] { EXPECT_EQ(gets_until_a_hit(2 * rarely - 10), with_the_measuring_one + 1); });
}

TEST_F(RareUse, FourTimesAsManyAreKnownSoon) {
    in_thread(0, [] { EXPECT_EQ(gets_until_a_hit(rarely / 4), measured / 2 + 2); });
    in_thread(1, [] { EXPECT_EQ(gets_until_a_hit(rarely / 4 - 10), looked / 2 + 2); });
}

// One may take much longer than the next.
TEST_F(RareUse, AFewShortUsesTellNothing) {
    in_one([] {
        for (int i = 0; i < measured; ++i) {
            use(mib, rarely / 2);
            use(mib, i % (looked / 2) == 0 ? 16 * rarely : rarely / 2);
        }
        EXPECT_FALSE(is_hit(mib));
    });
}

TEST_F(RareUse, ShortOnesAreNoUses) {
    in_one([] {
        for (int i = 0; i < 2 * measured; ++i) {
            for (int k = 0; k < 100; ++k) use(page, 0);
            use(mib);
        }
        EXPECT_FALSE(is_hit(mib));
    });
}

// Not to and fro by a little.
TEST_F(RareUse, WhoUsesManyMayUseHalfAsManyLater) {
    for (const bool as_few : {true, false})
        in_thread(as_few ? 0 : 1, [as_few] {
            use_often();
            measure_from_the_next();
            only_ask(1 + given_up, 2 * rarely - (as_few ? 0 : 10));
            EXPECT_EQ(is_kept(mib), !as_few);
        });
}

// As page faults do.
TEST_F(RareUse, AFewThatTakeLongTellNothing) {
    in_one([] {
        use_often();
        measure_from_the_next();
        only_ask(1 + measured, 4 * rarely);
        EXPECT_TRUE(is_kept(mib));
    });
}

// For each of those that are no hits it would be rare, but for each of all it is not: a hit is followed by a put.
TEST_F(RareUse, HitsAreUsesToo) {
    constexpr int hits = 600;
    constexpr std::uint64_t ns = (looked + 2 * hits) * 2 * rarely / looked;
    for (const bool as_few : {false, true})
        in_thread(as_few ? 0 : 1, [as_few] {
            use_often();
            measure_from_the_next();
            only_ask(1, 0);
            for (int i = 0; i < hits; ++i) use(mib, 0);
            only_ask(looked, ns - (as_few ? 0 : 10));
            EXPECT_EQ(is_kept(mib), !as_few);
        });
}

TEST_F(RareUse, WhoUsesFewNowGivesUpWhatItHas) {
    in_one([] {
        use_often();
        for (const std::size_t n : {mib, 200 * kib}) static_cast<void>(hold_many(16, 0, n));
        ASSERT_EQ(own().limit(inside::class_of(200 * kib)), 16U);
        only_ask(2 * given_up, 2 * rarely);
        expect_nothing_long();
        EXPECT_FALSE(is_kept(mib));
    });
}

// Once nobody else is behind the gate of its cache.
TEST_F(RareUse, WhoCannotGiveUpWhatItHasDoesSoLater) {
    in_one([this] {
        use_often();
        static_cast<void>(hold_many(16, 0, mib));
        inside::cache_record& mine = own();
        in_another([&mine] { ASSERT_TRUE(mine.gate.shut()); });
        only_ask(2 * given_up, 2 * rarely);
        mine.gate.open();
        EXPECT_NE(mine.limit(inside::class_of(mib)), 0U);
        only_ask(2 * given_up, 2 * rarely);
        expect_nothing_long();
    });
}

// The keeper's visits make gets slow that would hit.
TEST_F(RareUse, WhoFindsAllIsMeasuredWhenTheKeeperCameBy) {
    in_one([this] {
        use_often();
        for (int visit = 0; visit < given_up; ++visit) {
            in_another([] { inside::thread_caches::age(); });
            use(mib, 4 * rarely);
        }
        expect_nothing_long();
    });
}

TEST_F(RareUse, SixOfAProcessorHaveTheirCaches) {
    system_of_processors::set_count(6);
    each([] {
        use(mib);
        EXPECT_TRUE(is_hit(mib));
    });
    in_one([] {
        use(mib);
        system_of_processors::set_count(5);
        only_ask(measured, 5 * rarely);
        EXPECT_TRUE(is_hit(mib)) << "it is not measured yet";
        only_ask(2 * given_up, 5 * rarely);
        expect_nothing_long();
    });
}

// What it had handed on, for one.
TEST_F(RareUse, WhatCameMeanwhileIsForgotten) {
    in_one([this] {
        auto handed_on = hold_many(100, rarely, mib);
        in_another([&handed_on] { handed_on.clear(); });
        only_ask(2 * looked_later, 0);
        EXPECT_LT(own().not_put, 8 * mib);
        EXPECT_LT(own().brought_in[inside::class_of(mib)], 8U);
    });
}

// One that had hits meanwhile may leave less than nothing to who read them before.
TEST_F(RareUse, ASignalHandlerMayMeasureInTheMiddle) {
    in_one([] {
        measure_from_the_next();
        only_ask(looked, rarely);
        own().hits_at_measure += looked / 2;
        only_ask(1, rarely);
        EXPECT_EQ(own().slow_uses, looked + 1U);
    });
}

TEST_F(RareUse, WhoOnlyPutsManyHasACacheToo) {
    std::vector<synk::bytes> held;
    for (int i = 0; i < 4 * looked; ++i) held.push_back(take(mib));
    in_one([&held] {
        held.resize(3 * looked);
        EXPECT_LT(synk::stats().idle_cached + synk::stats().idle_channel, mib);
        held.clear();
        EXPECT_GT(synk::stats().idle_cached + synk::stats().idle_channel, mib);
    });
}

TEST_F(RareUse, AThreadBeginsWithoutThePastOfTheOneBefore) {
    inside::cache_record* record = nullptr;
    std::thread([&record] {
        use_often();
        ASSERT_TRUE(is_hit(mib));
        record = &own();
    }).join();
    std::thread([record] {
        use(mib);
        ASSERT_EQ(record, &own());
        EXPECT_FALSE(is_hit(mib));
        for (int i = 0; i < 4 * measured; ++i) use(mib);
        EXPECT_FALSE(is_hit(mib)) << "it is measured by what its own gets took";
    }).join();
}

TEST_F(RareUse, AChildOfAForkIsMeasuredByItsOwnTime) {
    in_one([] {
        use_often();
        ASSERT_NE(own().measured_at, 0U);
        EXPECT_TRUE(
            ends_well(in_child([] { require(own().measured_at == 0, "it goes on with the time of its parent"); })));
    });
}

// Time that is not measured is not counted either.
TEST_F(RareUse, WhatAThreadDoesWithAProcessorForItselfIsNotCounted) {
    in_one([] {
        use_often();
        measure_from_the_next();
        only_ask(1, 0);
        system_of_processors::set_count(threads + 1);
        only_ask(1, 10'000 * rarely);
        system_of_processors::set_count(processor_count);
        only_ask(given_up, 0);
        EXPECT_TRUE(is_kept(mib));
    });
}

TEST_F(RareUse, NoHitsAtAllAreNoRareUse) {
    synk::options o = quiet();
    o.zero_on_get = true;
    synk::configure(o);
    in_one([] {
        use(mib);
        EXPECT_NE(own().limit(inside::class_of(mib)), 0U);
    });
}

// When no thread of the program's could be bound to one.
const unsigned counted_at_load = inside::known_processors.load();

TEST(Processors, AreCountedAtLoad) {
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
    EXPECT_EQ(counted_at_load, static_cast<unsigned>(CPU_COUNT(&set)));
}

} // namespace
