// Where few lengths serve: what is idle of shorter blocks comes before new memory all the same, and no request fails
// that a shorter one could serve.
//
// ctest-variants: plain tsan
#include <algorithm>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/few_lengths.hpp"
#include "support/gets.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class ShorterThanCommon : public FewLengths {};

// Promise 2, with a whole that is no tier: the rest of its chunk stays lent.
class AThird : public ShorterThanCommon {
protected:
    // 3 MiB of a chunk were put in pieces of this length, by this thread or by another.
    void expect_found_again(std::size_t piece, bool by_other) {
        start_afresh();
        std::vector<synk::bytes> pieces;
        {
            const synk::bytes much = get(3 * little);
            while (pieces.size() * piece < 4 * mib) pieces.push_back(get(piece));
            ASSERT_EQ(mapped(), 3 * little + 4 * mib);
        }
        std::sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.data() < b.data(); });
        const synk::bytes beside = std::move(pieces.back());
        pieces.resize(3 * mib / piece);
        const std::byte* const start = pieces.front().data();
        synk::trim();
        inside::shared_store::unmap_free();
        const std::size_t before = mapped();
        if (by_other)
            other_.run([&] { pieces.clear(); });
        else
            pieces.clear();
        sizes().serve_few_lengths(true);
        const synk::bytes b = get(3 * mib - 1);
        EXPECT_TRUE(sizes().serves_few_lengths());
        EXPECT_EQ(mapped(), before) << "in pieces of " << piece;
        EXPECT_EQ(b.data(), start);
        EXPECT_EQ(b.capacity(), 3 * mib);
    }

    worker other_;
};

TEST_F(AThird, OfAChunkIsServedOutOfItsPieces) {
    for (const std::size_t piece : {64 * kib, 256 * kib, mib})
        for (const bool by_other : {false, true}) ASSERT_NO_FATAL_FAILURE(expect_found_again(piece, by_other));
}

// A shorter block that is close at hand is lent before new memory; but not for ever.
TEST_F(ShorterThanCommon, AnIdleShorterBlockComesBeforeNewMemory) {
    {
        const synk::bytes much = get(3 * little);
        const synk::bytes b[] = {get(3 * mib), get(mib)};
    }
    const synk::bytes beside = get(mib);
    ASSERT_EQ(synk::stats().idle_cached, 3 * mib + 3 * little);
    sizes().serve_few_lengths(true);
    const std::size_t before = mapped(), cached = synk::stats().idle_cached;
    EXPECT_EQ(capacity_of(3 * mib), 3 * mib);
    EXPECT_TRUE(sizes().serves_few_lengths());
    EXPECT_EQ(mapped(), before);
    EXPECT_EQ(synk::stats().idle_cached, cached) << "caches were emptied for it";
    std::size_t shorter = 0;
    while (shorter < 1000 && synk::get_sized_pool().get_sized(3 * mib).capacity() == 3 * mib) ++shorter;
    EXPECT_LT(shorter, 100U) << "it comes by the slow way each time";
    EXPECT_EQ(capacity_of(3 * mib), 4 * mib);
}

// But not a longer one, which would be missing to those who want it.
TEST_F(ShorterThanCommon, ALongerBlockIsNoShorterOne) {
    static_cast<void>(get(5 * mib));
    EXPECT_EQ(capacity_of(3 * mib), 4 * mib);
    EXPECT_EQ(synk::stats().idle, 9 * mib);
}

// And a free run before what others have at hand is gathered.
TEST_F(ShorterThanCommon, AFreeRunComesBeforeTheCachesOfOthersAreEmptied) {
    const synk::bytes beside = get(64 * kib);
    worker other;
    synk::bytes blocks[64];
    other.run([&blocks] {
        for (auto& b : blocks) b = get(64 * kib);
    });
    const std::size_t before = mapped();
    other.run([&blocks] {
        for (auto& b : blocks) b.reset();
    });
    const std::size_t cached = synk::stats().idle_cached;
    ASSERT_GE(cached, 4 * mib);
    const synk::bytes b = get(5 * mib / 2);
    EXPECT_TRUE(sizes().serves_few_lengths());
    EXPECT_EQ(b.capacity(), 5 * mib / 2);
    EXPECT_EQ(mapped(), before);
    EXPECT_EQ(synk::stats().idle_cached, cached);
}

// Nor before that comes what was passed on, where all that may lie idle does.
TEST_F(ShorterThanCommon, APassedOnBlockComesBeforeTheCachesOfOthersAreEmptied) {
    synk::configure(quiet_with_limit(64 * mib));
    synk::bytes blocks[2];
    std::thread([&blocks] {
        sizes().serve_few_lengths(false);
        for (auto& b : blocks) b = synk::get_sized_pool().get_sized(320 * kib);
    }).join();
    worker other;
    other.run([] {
        sizes().serve_few_lengths(false);
        std::vector<synk::bytes> held;
        while (held.size() < 14) held.push_back(get(4 * mib));
    });
    std::thread([&blocks] {
        for (auto& b : blocks) b.reset();
    }).join();
    const std::size_t cached = synk::stats().idle_cached;
    ASSERT_EQ(cached, 56 * mib);
    ASSERT_GE(synk::stats().idle_channel, 640 * kib);
    const synk::bytes b = get(320 * kib);
    EXPECT_TRUE(sizes().serves_few_lengths());
    EXPECT_EQ(b.capacity(), 320 * kib);
    EXPECT_EQ(synk::stats().idle_cached, cached);
}

// Promise 6: no memory is said only where there is none. Also of a thread that is due for new memory.
TEST_F(ShorterThanCommon, NoMemoryForACommonLengthIsNoFailure) {
    for (const unsigned evictions : {0U, 300U}) {
        start_afresh();
        const synk::bytes beside = get(64 * kib);
        const system_that_refuses refused({.map = true});
        own().evictions = evictions;
        const synk::bytes b = synk::get_sized_pool().try_get_sized(3 * mib);
        ASSERT_TRUE(b);
        EXPECT_TRUE(sizes().serves_few_lengths());
        EXPECT_EQ(b.capacity(), 3 * mib);
        EXPECT_FALSE(synk::get_sized_pool().try_get_sized(3 * mib));
    }
}

// However the shorter blocks come back: of two at once the second put finds its bin full.
TEST_F(ShorterThanCommon, AThreadThatHoldsTwoShorterBlocksComesToHaveCommonOnes) {
    synk::bytes beside[2]; // of two chunks
    {
        std::vector<synk::bytes> all;
        while (mapped() <= 4 * mib) all.push_back(get(64 * kib));
        beside[0] = std::move(all.front());
        beside[1] = std::move(all.back());
    }
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    inside::shared_store::empty_channels();
    ASSERT_EQ(mapped(), 8 * mib);
    synk::sized_pool& pool = synk::get_sized_pool();
    for (int round = 0; round < 100; ++round)
        const synk::bytes both[] = {pool.get_sized(3 * mib), pool.get_sized(3 * mib)};
    const std::uint64_t hits = cache_hits();
    { const synk::bytes both[] = {pool.get_sized(3 * mib), pool.get_sized(3 * mib)}; }
    EXPECT_EQ(cache_hits(), hits + 2);
}

// Also where others have so much idle that it is not due for new memory.
TEST_F(ShorterThanCommon, AThreadBesideMuchThatIsIdleComesToHaveThem) {
    {
        const synk::bytes much = get(3 * little);
        const synk::bytes b = get(3 * mib);
    }
    worker other;
    other.run([] {
        sizes().serve_few_lengths(false);
        std::vector<synk::bytes> held;
        while (held.size() < 60) held.push_back(get(mib));
    });
    sizes().serve_few_lengths(true);
    ASSERT_GT(synk::stats().idle, 64 * mib);
    synk::sized_pool& pool = synk::get_sized_pool();
    for (int round = 0; round < 1000; ++round) static_cast<void>(pool.get_sized(3 * mib));
    EXPECT_TRUE(sizes().serves_few_lengths());
    const std::uint64_t hits = cache_hits();
    EXPECT_EQ(pool.get_sized(3 * mib).capacity(), 4 * mib);
    EXPECT_EQ(cache_hits(), hits + 1);
}

} // namespace
