// Of threads that share processors those that seldom want a long block keep none for themselves: the next one,
// whichever thread's it is, takes what was put last. Who uses many has them in its cache as ever. (Not under a memory
// checker, where nothing is a hit.)
//
// ctest-variants: plain tsan
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/child.hpp"
#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/system_of_processors.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

constexpr unsigned processors = 2;
constexpr std::uint64_t rarely = processors * 8000; // ns of the thread between two uses; a get is one, and so is a put
constexpr int measured = 16;                        // uses that do not hit

synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
inside::cache_record& own() { return *inside::thread_caches::own(); }

// Two uses. The thread runs so long for each.
void use(std::size_t n, std::uint64_t ns_each = rarely) {
    system_of_processors::run_for(2 * ns_each);
    static_cast<void>(get(n));
}
// So that it is known how often the thread uses long blocks.
void use_often(std::size_t n = mib) {
    for (int i = 0; i <= measured; ++i) use(n, 0);
}
bool is_hit(std::size_t n) {
    const std::uint64_t before = cache_hits();
    use(n);
    return cache_hits() != before;
}

// What is put now: it may have had none of that size.
bool is_kept(std::size_t n) {
    use(n, 0);
    return is_hit(n);
}

// Uses that are no hits.
std::vector<synk::bytes> hold_many(int n, std::uint64_t ns_each, std::size_t size = 100 * kib) {
    std::vector<synk::bytes> held;
    for (int i = 0; i < n; ++i) {
        system_of_processors::run_for(ns_each);
        held.push_back(get(size));
    }
    return held;
}

class RareUse : public fresh_pool {
protected:
    void SetUp() override {
        fresh_pool::SetUp();
        system_of_processors::set_count(processors);
        for (auto& w : workers_) w = std::make_unique<worker>();
        each([this] { begin(); });
    }
    void TearDown() override {
        for (auto& w : workers_) w.reset();
        fresh_pool::TearDown();
    }
    template <class Job>
    void each(Job job) {
        for (auto& w : workers_) w->run(job);
    }
    template <class Job>
    void in_thread(unsigned i, Job job) {
        workers_.at(i)->run(job);
    }
    template <class Job>
    void in_one(Job job) {
        in_thread(0, job);
    }
    template <class Job>
    void in_another(Job job) {
        in_thread(1, job);
    }

    static constexpr unsigned threads = 8;

private:
    // The thread has its cache.
    void begin() { static_cast<void>(get(page)); }

    system_of_processors system_{processors};
    std::array<std::unique_ptr<worker>, threads> workers_;
};

TEST_F(RareUse, ThreadsTakeTurnsWithOneBlock) {
    const std::byte* block = nullptr;
    for (int turn = 0; turn < 20; ++turn)
        each([&block] {
            const synk::bytes b = get(mib);
            if (block == nullptr) block = b.data();
            EXPECT_EQ(b.data(), block);
            system_of_processors::run_for(2 * rarely);
        });
    const synk::statistics s = synk::stats();
    EXPECT_EQ(s.idle - s.idle_cached, mib);
    EXPECT_EQ(s.mapped, 4 * mib);
}

TEST_F(RareUse, OneChunkServesAllSizes) {
    const std::byte* start = nullptr;
    for (const std::size_t n : {4 * mib, 65 * kib, mib + 1, 300 * kib, 4 * mib, 2 * mib, 100 * kib})
        each([n, &start] {
            const synk::bytes b = get(n);
            EXPECT_EQ(b.capacity(), inside::class_bytes(inside::class_of(n))) << "served by a common length";
            if (start == nullptr) start = b.data();
            EXPECT_TRUE(b.data() >= start && b.end() <= start + 4 * mib);
            system_of_processors::run_for(2 * rarely);
        });
}

TEST_F(RareUse, ShortBlocksStayInTheCache) {
    each([] {
        use(64 * kib);
        EXPECT_TRUE(is_hit(64 * kib));
        use(64 * kib + 1);
        EXPECT_FALSE(is_hit(64 * kib + 1));
    });
}

TEST_F(RareUse, LargeBlocksStayInTheCache) {
    in_one([] {
        use(5 * mib);
        EXPECT_TRUE(is_hit(5 * mib));
    });
}

TEST_F(RareUse, WhoUsesManyHasThemInItsCache) {
    in_one([] {
        EXPECT_FALSE(is_hit(mib));
        use_often();
        const std::uint64_t before = cache_hits();
        for (int i = 0; i < 100; ++i) use(mib);
        EXPECT_EQ(cache_hits(), before + 100);
    });
}

// Of a thread that always has it: how many gets until one is a hit; 0 where none is.
int gets_until_a_hit(std::uint64_t ns_each) {
    for (int gets = 1; gets < 4 * measured; ++gets) {
        const std::uint64_t before = cache_hits();
        use(mib, ns_each);
        if (cache_hits() != before) return gets;
    }
    return 0;
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
    for (const bool as_few : {false, true})
        in_thread(as_few ? 0 : 1, [as_few] {
            use_often();
            own().slow_uses = 0; // the next one is measured
            const auto held = hold_many(1 + measured, 2 * rarely - (as_few ? 0 : 10));
            EXPECT_EQ(is_kept(mib), !as_few);
        });
}

// For each of those that are no hits it would be rare, but for each of all it is not: a hit is followed by a put.
TEST_F(RareUse, HitsAreUsesToo) {
    constexpr int hits = 100;
    constexpr std::uint64_t ns = (measured + 2 * hits) * 2 * rarely / measured;
    for (const bool as_few : {false, true})
        in_thread(as_few ? 0 : 1, [as_few] {
            use_often();
            own().slow_uses = 0; // the next one is measured
            const auto before = hold_many(1, 0);
            for (int i = 0; i < hits; ++i) use(mib, 0);
            const auto held = hold_many(measured, ns - (as_few ? 0 : 10));
            EXPECT_EQ(is_kept(mib), !as_few);
        });
}

void expect_nothing_long() {
    for (unsigned cls = inside::class_of(64 * kib) + 1; cls < inside::chunk_class_count; ++cls)
        EXPECT_EQ(own().limit(cls) + own().parked[cls], 0U) << "class " << cls;
}

TEST_F(RareUse, WhoUsesFewNowGivesUpWhatItHas) {
    in_one([] {
        use_often();
        for (const std::size_t n : {mib, 200 * kib}) static_cast<void>(hold_many(16, 0, n));
        ASSERT_EQ(own().limit(inside::class_of(200 * kib)), 16U);
        const auto held = hold_many(2 * measured, 2 * rarely);
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
        const auto held = hold_many(2 * measured, 2 * rarely);
        mine.gate.open();
        EXPECT_NE(mine.limit(inside::class_of(mib)), 0U);
        const auto more = hold_many(2 * measured, 2 * rarely);
        expect_nothing_long();
    });
}

// The keeper's visits make gets slow that would hit.
TEST_F(RareUse, WhoFindsAllIsMeasuredWhenTheKeeperCameBy) {
    in_one([this] {
        use_often();
        for (int visit = 0; visit < 3 * measured; ++visit) {
            in_another([] { inside::thread_caches::age(); });
            use(mib, 4 * rarely);
        }
        expect_nothing_long();
    });
}

TEST_F(RareUse, EachWithAProcessorHasItsCache) {
    system_of_processors::set_count(threads + 1); // this thread has one, too
    each([] {
        use(mib);
        EXPECT_TRUE(is_hit(mib));
    });
    system_of_processors::set_count(threads);
    in_one([] {
        static_cast<void>(get(mib)); // a hit
        use(3 * mib);
        EXPECT_FALSE(is_hit(3 * mib));
    });
}

TEST_F(RareUse, WhoOnlyPutsManyHasACacheToo) {
    std::vector<synk::bytes> held;
    for (int i = 0; i < 2 * measured; ++i) held.push_back(get(mib));
    in_one([&held] {
        held.resize(measured);
        EXPECT_LT(synk::stats().idle_cached + synk::stats().idle_channel, mib);
        held.clear();
        EXPECT_GT(synk::stats().idle_cached + synk::stats().idle_channel, mib);
    });
}

TEST_F(RareUse, AProcessorsThreadsFindWhatWasPutOnIt) {
    in_one([this] {
        synk::bytes chunk[processors];
        const std::byte* start[processors];
        for (synk::bytes& c : chunk) c = get(4 * mib);
        for (unsigned p = 0; p < processors; ++p) {
            system_of_processors::go_to(p);
            start[p] = chunk[p].data();
            chunk[p].reset();
        }
        for (const unsigned p : {0U, 1U, 1U, 0U, 1U, 0U, 0U})
            in_another([p, at = start[p]] {
                system_of_processors::go_to(p);
                EXPECT_EQ(get(mib).data(), at);
            });
        const synk::bytes all = get(4 * mib); // of what is now the chunk of the first
        EXPECT_EQ(all.data(), start[0]);
        EXPECT_EQ(get(mib).data(), start[1]) << "where nothing is left there, what others have will do";
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
        system_of_processors::set_count(threads + 1);
        const auto alone = hold_many(1, 1000 * rarely);
        system_of_processors::set_count(processors);
        own().slow_uses = 0; // the next one is measured
        const auto held = hold_many(1, 0);
        EXPECT_TRUE(is_kept(mib));
    });
}

TEST_F(RareUse, AWishIsGrantedByAPut) {
    in_one([] {
        use(page);
        synk::bytes b = get(mib);
        ASSERT_NE(own().reserved, 0U);
        own().gate.ask();
        b.reset();
        EXPECT_EQ(own().reserved, 0U);
    });
}

TEST_F(RareUse, NoHitsAtAllAreNoRareUse) {
    synk::options o = quiet();
    o.zero_on_get = true;
    synk::configure(o);
    in_one([] {
        use(mib);
        use(mib);
    });
    EXPECT_GE(synk::stats().idle_cached, mib);
}

// As what the thread has in hand, until it is put: near ones as others.
TEST_F(RareUse, WhatIsLentIsCounted) {
    in_one([] {
        const std::size_t before = own().not_put;
        synk::bytes first = get(3 * mib);
        synk::bytes second = get(mib); // of the same chunk, no get past it
        EXPECT_EQ(own().not_put, before + 4 * mib);
        first.reset();
        EXPECT_EQ(own().not_put, before + mib);
        first = get(3 * mib);
        EXPECT_EQ(own().not_put, before + 4 * mib);
        first.reset();
        second.reset();
        EXPECT_EQ(own().not_put, before);
    });
}

// Of what others have passed on.
TEST_F(RareUse, OneIsTakenAtATime) {
    std::thread([] {
        use_often(200 * kib);
        const auto several = hold_many(4, 0, 200 * kib);
    }).join();
    ASSERT_GT(synk::stats().tiers[6].in_channel, 3U);
    const std::size_t cached = synk::stats().idle_cached;
    in_one([] { static_cast<void>(get(200 * kib)); });
    EXPECT_EQ(synk::stats().idle_cached, cached);
}

TEST_F(RareUse, EachGetIsCountedOnce) {
    for (const std::size_t n : {mib, mib, 3 * mib, 300 * kib, 300 * kib})
        each([n] {
            const std::uint64_t before = gets();
            use(n);
            EXPECT_EQ(gets(), before + 1);
        });
}

// A thread that is bound to one processor before any other asks says nothing of the others.
TEST(Processors, AreCountedAtLoad) {
    EXPECT_NE(inside::known_processors, 0U);
    EXPECT_EQ(inside::processors(), std::thread::hardware_concurrency());
}

TEST_F(RareUse, NoMoreLiesIdleThanMay) {
    synk::configure(quiet_with_limit(64 * mib));
    in_one([] {
        const auto held = hold_many(40, rarely, 3 * mib);
        const synk::bytes more_than_may = get(70 * mib);
        system_of_processors::run_for(100 * rarely);
    });
    EXPECT_LE(synk::stats().idle, 64 * mib);
    EXPECT_LE(inside::budget.reserved(), 64 * mib);
    EXPECT_EQ(lent(), 0U);
}

TEST_F(RareUse, WithoutMemoryWhatLiesInCachesServes) {
    in_one([] {
        use_often();
        static_cast<void>(hold_many(3, 0, mib));
    });
    system_of_processors::refuse_memory();
    in_another([] { EXPECT_EQ(get(mib).capacity(), mib); });
}

} // namespace
