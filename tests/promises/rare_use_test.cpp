// Of threads that share processors those that seldom want a long block keep none for themselves: the next one,
// whichever thread's it is, takes what was put last. (Not under a memory checker, where nothing is a hit.)
//
// ctest-variants: plain tsan
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/rare_use.hpp"

namespace {

using namespace synk_test;

TEST_F(RareUse, ThreadsTakeTurnsWithOneBlock) {
    const std::byte* block = nullptr;
    for (int turn = 0; turn < 20; ++turn)
        each([&block] {
            const synk::bytes b = take(mib);
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
            const synk::bytes b = take(n);
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

TEST_F(RareUse, AProcessorsThreadsFindWhatWasPutOnIt) {
    in_one([this] {
        synk::bytes chunk[processor_count];
        const std::byte* start[processor_count];
        for (synk::bytes& c : chunk) c = take(4 * mib);
        for (unsigned p = 0; p < processor_count; ++p) {
            system_of_processors::go_to(p);
            start[p] = chunk[p].data();
            chunk[p].reset();
        }
        for (const unsigned p : {0U, 1U, 1U, 0U, 1U, 0U, 0U})
            in_another([p, at = start[p]] {
                system_of_processors::go_to(p);
                EXPECT_EQ(take(3 * mib).data(), at);
            });
        const synk::bytes all = take(4 * mib); // of what is now the chunk of the first
        EXPECT_EQ(all.data(), start[0]);
        EXPECT_EQ(take(3 * mib).data(), start[1]) << "where nothing is left there, what others have will do";
    });
}

// Though it was a whole, and another one has been begun: what was put last is warm.
TEST_F(RareUse, AShortOneIsCutOffWhatWasPutLast) {
    in_one([] {
        synk::bytes first = take(4 * mib), second = take(4 * mib);
        const std::byte* const whole = second.data();
        first.reset();
        const synk::bytes begun = take(3 * mib);
        second.reset();
        EXPECT_EQ(take(mib).data(), whole);
    });
}

TEST_F(RareUse, AWishIsGrantedByAPut) {
    in_one([] {
        use(page);
        synk::bytes b = take(mib);
        ASSERT_NE(own().reserved, 0U);
        own().gate.ask();
        b.reset();
        EXPECT_EQ(own().reserved, 0U);
    });
}

// Nor is it lost while somebody else is behind the gate.
TEST_F(RareUse, OrByTheNextOne) {
    in_one([this] {
        use(page);
        synk::bytes b[] = {take(mib), take(mib)};
        inside::cache_record& mine = own();
        mine.gate.ask();
        in_another([&mine] { ASSERT_TRUE(mine.gate.shut()); });
        b[0].reset();
        mine.gate.open();
        ASSERT_NE(mine.reserved, 0U);
        b[1].reset();
        EXPECT_EQ(mine.reserved, 0U);
    });
}

// Promise 2: of a whole that was cut up, by whomever the pieces are put.
TEST_F(RareUse, WhatIsCutUpIsWholeAgain) {
    for (const std::size_t piece : {2 * mib, mib, 256 * kib, 128 * kib, 64 * kib}) {
        const std::byte* start = nullptr;
        std::vector<synk::bytes> pieces;
        in_one([&] {
            start = take(4 * mib).data();
            while (pieces.size() * piece < 4 * mib) pieces.push_back(take(piece));
        });
        const std::size_t before = mapped();
        while (!pieces.empty())
            each([&pieces] {
                system_of_processors::run_for(rarely);
                if (!pieces.empty()) pieces.pop_back();
            });
        in_another([&] { EXPECT_EQ(take(4 * mib).data(), start) << "in pieces of " << piece; });
        EXPECT_EQ(mapped(), before);
    }
}

// Or the rest of what is lent would come to lie in pieces.
TEST_F(RareUse, BesideMuchThatIsLentTheShortestRunThatWillDoComesFirst) {
    const synk::bytes much = take(200 * mib);
    in_one([] {
        synk::bytes chunk = take(4 * mib), part = take(3 * mib);
        const synk::bytes rest = take(mib);
        const std::byte* const hole = part.data();
        ASSERT_EQ(rest.data(), hole + 3 * mib);
        part.reset();
        chunk.reset(); // what was put last
        EXPECT_EQ(take(3 * mib).data(), hole);
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
    in_one([] { static_cast<void>(take(200 * kib)); });
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

TEST_F(RareUse, NoMoreLiesIdleThanMay) {
    synk::configure(quiet_with_limit(64 * mib));
    in_one([] {
        auto held = hold_many(40, rarely, 3 * mib);
        for (; !held.empty(); held.pop_back()) system_of_processors::run_for(rarely);
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
    in_another([] { EXPECT_EQ(take(mib).capacity(), mib); });
}

} // namespace
