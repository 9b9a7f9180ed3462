// While little is lent, whole tiers serve the sizes above 64 KiB, so that a thread works on few blocks; what is idle of
// shorter ones comes before new memory all the same, and no request fails that a shorter one could serve. (Not under a
// memory checker: sized_pool_test.cpp.)
//
// ctest-variants: plain tsan
#include <algorithm>
#include <thread>
#include <vector>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/pieces.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

std::size_t capacity_of(std::size_t n) { return get(n).capacity(); }

class WholeTiers : public fresh_pool {
protected:
    static bool serves_whole_tiers() { return inside::this_thread_start.sizes.serves_whole_tiers(); }

    static constexpr std::size_t little = 128 * mib / 16;
};

TEST_F(WholeTiers, OneBlockServesAllSizesOfATier) {
    const std::byte* block = nullptr;
    for (const std::size_t n : {2 * mib + 1, 5 * mib / 2, 3 * mib, 4 * mib, 2 * mib + 1}) {
        const synk::bytes b = get(n);
        EXPECT_EQ(b.capacity(), 4 * mib);
        if (block == nullptr) block = b.data();
        EXPECT_EQ(b.data(), block);
    }
    EXPECT_EQ(synk::stats().idle, 4 * mib);
}

TEST_F(WholeTiers, BareBlocksToo) {
    synk::sized_pool& pool = synk::get_sized_pool();
    void* const first = pool.allocate(2 * mib + 1);
    pool.deallocate(first, 2 * mib + 1);
    const std::uint64_t hits = cache_hits();
    void* const second = pool.allocate(3 * mib);
    EXPECT_EQ(second, first);
    EXPECT_EQ(cache_hits(), hits + 1);
    pool.deallocate(second, 3 * mib);
    EXPECT_EQ(synk::stats().idle_cached, 4 * mib);
}

TEST_F(WholeTiers, ShortSizesHaveTheirClasses) {
    EXPECT_EQ(capacity_of(1), page);
    EXPECT_EQ(capacity_of(33 * kib), 40 * kib);
    EXPECT_EQ(capacity_of(64 * kib), 64 * kib);
    EXPECT_EQ(capacity_of(64 * kib + 1), 128 * kib);
}

TEST_F(WholeTiers, LargeSizesHaveTheirClasses) {
    EXPECT_EQ(capacity_of(4 * mib + 1), 5 * mib);
    EXPECT_EQ(capacity_of(9 * mib), 10 * mib);
    const std::uint64_t hits = cache_hits();
    EXPECT_EQ(capacity_of(4 * mib + 1), 5 * mib);
    EXPECT_EQ(cache_hits(), hits + 1);
}

// And again when less than half as much is: not to and fro by a buffer more or less.
TEST_F(WholeTiers, NotBesideMoreThanASixteenthOfTheLimitThatIsLent) {
    std::vector<synk::bytes> held;
    while (held.size() * mib < little) held.push_back(get(mib));
    EXPECT_EQ(capacity_of(100 * kib), 128 * kib);
    held.push_back(get(5 * mib));
    EXPECT_EQ(capacity_of(300 * kib), 320 * kib);
    held.pop_back();
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
    held.resize(held.size() / 2 - 1);
    EXPECT_EQ(capacity_of(900 * kib), mib);
}

// What a thread has out of its own cache is lent, too.
TEST_F(WholeTiers, NotBesideMuchThatWasGotByHits) {
    std::vector<synk::bytes> held;
    while (held.size() * mib < 3 * little) held.push_back(get(mib));
    EXPECT_EQ(capacity_of(300 * kib), 320 * kib);
    held.clear();
    const std::uint64_t hits = cache_hits();
    while (held.size() * mib < 3 * little) held.push_back(get(mib));
    ASSERT_EQ(cache_hits() - hits, held.size());
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
}

// And as long as another thread is behind its cache's gate, nothing is known of that.
TEST_F(WholeTiers, NotBegunWhileNobodyMayLookWhatIsLent) {
    std::vector<synk::bytes> held;
    for (int round = 0; round < 2; ++round) {
        held.clear();
        while (held.size() * mib < 3 * little) held.push_back(get(mib));
    }
    static_cast<void>(get(300 * kib)); // the change
    ASSERT_FALSE(serves_whole_tiers());
    inside::cache_record& own = *inside::thread_caches::own();
    ASSERT_TRUE(own.gate.close([] {}, false));
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
    own.gate.open();
}

// What others put of it is not, though there is room for it in the cache.
TEST_F(WholeTiers, BesideWhatOthersHavePut) {
    std::vector<synk::bytes> held;
    while (held.size() * mib < 3 * little) held.push_back(get(mib));
    held.clear();
    while (held.size() * mib < 3 * little) held.push_back(get(mib));
    worker other;
    other.run([&held] { held.clear(); });
    EXPECT_EQ(capacity_of(600 * kib), mib);
}

TEST_F(WholeTiers, AThreadThatBeginsHasThemAtOnce) {
    std::thread([] {
        static_cast<void>(get(100 * kib));
        for (auto& misses : inside::thread_caches::own()->misses) misses = 1;
    }).join();
    std::thread([] { EXPECT_EQ(synk::get_sized_pool().get_sized(600 * kib).capacity(), mib); }).join();
}

TEST_F(WholeTiers, NotWhereNothingMayLieIdle) {
    EXPECT_EQ(capacity_of(200 * kib), 256 * kib);
    synk::configure(quiet_with_limit(0));
    EXPECT_EQ(capacity_of(100 * kib), 112 * kib);
}

// Else every get would clear more than was asked for.
TEST_F(WholeTiers, NotWhereAllOfABlockIsWritten) {
    for (bool synk::options::*const option : {&synk::options::zero_on_get, &synk::options::clear_on_put}) {
        start_afresh();
        EXPECT_EQ(synk::get_sized_pool().get_sized(100 * kib).capacity(), 128 * kib);
        synk::options o = quiet();
        o.*option = true;
        synk::configure(o);
        EXPECT_EQ(synk::get_sized_pool().get_sized(100 * kib).capacity(), 112 * kib) << "with what lies in the cache";
    }
}

TEST_F(WholeTiers, NotWhereMisuseIsLookedFor) {
    synk::options o = quiet();
    o.hardened = true;
    o.guard_sample = 0;
    synk::configure(o);
    EXPECT_EQ(capacity_of(100 * kib), 112 * kib);
}

// A block that was got before the change, or is put behind it, goes back to its own bin.
TEST_F(WholeTiers, BlocksOutliveTheChange) {
    synk::sized_pool& pool = synk::get_sized_pool();
    void* const tier = pool.allocate(5 * mib / 2);
    synk::bytes much = get(3 * little);
    static_cast<void>(get(100 * kib)); // a miss: the change
    void* const fine = pool.allocate(5 * mib / 2);
    pool.deallocate(tier, 5 * mib / 2);
    EXPECT_EQ(synk::stats().idle_cached, 4 * mib + 112 * kib);
    much.reset();
    synk::trim();
    static_cast<void>(get(200 * kib));
    pool.deallocate(fine, 5 * mib / 2);
    EXPECT_EQ(synk::stats().idle_cached, 5 * mib / 2 + 256 * kib);
}

// Promise 2, with a whole that is no tier: the rest of its chunk stays lent.
class AThird : public WholeTiers {
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
        const synk::bytes b = get(3 * mib - 1);
        EXPECT_TRUE(serves_whole_tiers());
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
TEST_F(WholeTiers, AnIdleShorterBlockComesBeforeNewMemory) {
    synk::bytes small = get(100 * kib);
    {
        const synk::bytes much = get(3 * little);
        const synk::bytes b[] = {get(3 * mib), get(mib)};
    }
    const synk::bytes beside = get(mib);
    small.reset();
    ASSERT_EQ(synk::stats().idle_cached, 3 * mib + 3 * little + 128 * kib);
    EXPECT_EQ(capacity_of(100 * kib), 128 * kib); // a miss: the change
    const std::size_t before = mapped(), cached = synk::stats().idle_cached;
    EXPECT_EQ(capacity_of(3 * mib), 3 * mib);
    EXPECT_EQ(mapped(), before);
    EXPECT_EQ(synk::stats().idle_cached, cached) << "caches were emptied for it";
    std::size_t shorter = 0;
    while (shorter < 1000 && synk::get_sized_pool().get_sized(3 * mib).capacity() == 3 * mib) ++shorter;
    EXPECT_LT(shorter, 100U) << "it comes by the slow way each time";
    EXPECT_EQ(capacity_of(3 * mib), 4 * mib);
}

// But not a longer one, which would be missing to those who want it.
TEST_F(WholeTiers, ALongerBlockIsNoShorterOne) {
    static_cast<void>(get(5 * mib));
    EXPECT_EQ(capacity_of(3 * mib), 4 * mib);
    EXPECT_EQ(synk::stats().idle, 9 * mib);
}

// And a free run before what others have at hand is gathered.
TEST_F(WholeTiers, AFreeRunComesBeforeTheCachesOfOthersAreEmptied) {
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
    EXPECT_TRUE(serves_whole_tiers());
    EXPECT_EQ(b.capacity(), 5 * mib / 2);
    EXPECT_EQ(mapped(), before);
    EXPECT_EQ(synk::stats().idle_cached, cached);
}

// Nor before that comes what was passed on, where all that may lie idle does.
TEST_F(WholeTiers, APassedOnBlockComesBeforeTheCachesOfOthersAreEmptied) {
    synk::configure(quiet_with_limit(32 * mib));
    synk::bytes blocks[2];
    std::thread([&blocks] {
        synk::sized_pool& pool = synk::get_sized_pool();
        static_cast<void>(pool.get_sized(1));
        for (auto& misses : inside::thread_caches::own()->misses) misses = 1; // it goes on by classes
        inside::this_thread_start.sizes.serve_whole_tiers(false);
        for (auto& b : blocks) b = pool.get_sized(320 * kib);
    }).join();
    worker other;
    other.run([] {
        std::vector<synk::bytes> held;
        while (held.size() < 7) held.push_back(get(4 * mib));
    });
    std::thread([&blocks] {
        for (auto& b : blocks) b.reset();
    }).join();
    const std::size_t cached = synk::stats().idle_cached;
    ASSERT_EQ(cached, 28 * mib);
    ASSERT_GE(synk::stats().idle_channel, 640 * kib);
    const synk::bytes b = get(320 * kib);
    EXPECT_TRUE(serves_whole_tiers());
    EXPECT_EQ(b.capacity(), 320 * kib);
    EXPECT_EQ(synk::stats().idle_cached, cached);
}

// Promise 6: no memory is said only where there is none. Also of a thread that is due for new memory.
TEST_F(WholeTiers, NoMemoryForAWholeTierIsNoFailure) {
    for (const unsigned evictions : {0U, 300U}) {
        start_afresh();
        const synk::bytes beside = get(64 * kib);
        const system_that_refuses refused({.map = true});
        inside::thread_caches::own()->evictions = evictions;
        const synk::bytes b = synk::get_sized_pool().try_get_sized(3 * mib);
        ASSERT_TRUE(b);
        EXPECT_TRUE(serves_whole_tiers());
        EXPECT_EQ(b.capacity(), 3 * mib);
        EXPECT_FALSE(synk::get_sized_pool().try_get_sized(3 * mib));
    }
}

// However the shorter blocks come back: of two at once the second put finds its bin full.
TEST_F(WholeTiers, AThreadThatHoldsTwoShorterBlocksComesToHaveWholeTiers) {
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
TEST_F(WholeTiers, AThreadBesideMuchThatIsIdleComesToHaveThem) {
    synk::bytes small = get(100 * kib);
    {
        const synk::bytes much = get(3 * little);
        const synk::bytes b = get(3 * mib);
    }
    worker other;
    other.run([] {
        std::vector<synk::bytes> held;
        while (held.size() < 60) held.push_back(get(mib));
    });
    small.reset();
    EXPECT_EQ(capacity_of(100 * kib), 128 * kib); // a miss: the change
    ASSERT_GT(synk::stats().idle, 64 * mib);
    synk::sized_pool& pool = synk::get_sized_pool();
    for (int round = 0; round < 1000; ++round) static_cast<void>(pool.get_sized(3 * mib));
    const std::uint64_t hits = cache_hits();
    EXPECT_EQ(pool.get_sized(3 * mib).capacity(), 4 * mib);
    EXPECT_EQ(cache_hits(), hits + 1);
}

// The block stays where it holds what is wanted and a get would come to its like, whichever way gets are served now.
TEST_F(WholeTiers, AResizeToTheSameSizeMovesNothing) {
    void* const tier = synk_get(600 * kib);
    EXPECT_EQ(synk_capacity(tier), mib);
    EXPECT_EQ(synk_resize(tier, 600 * kib), tier);
    void* fine = nullptr;
    {
        const synk::bytes much = get(3 * little);
        static_cast<void>(get(100 * kib)); // the change
        fine = synk_get(600 * kib);
        EXPECT_EQ(synk_capacity(fine), 640 * kib);
        EXPECT_EQ(synk_resize(tier, 600 * kib), tier);
    }
    synk::trim();
    EXPECT_EQ(capacity_of(200 * kib), 256 * kib); // and back
    EXPECT_EQ(synk_resize(fine, 600 * kib), fine);
    synk_put(tier);
    synk_put(fine);
}

TEST_F(WholeTiers, AResizeWithinABlockNeedsNoMemory) {
    const synk::bytes beside = get(64 * kib);
    const system_that_refuses refused({.map = true});
    void* const block = synk_get(3 * mib);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(serves_whole_tiers());
    EXPECT_EQ(synk_resize(block, 3 * mib), block);
    EXPECT_EQ(synk_resize(block, 5 * mib / 2), block) << "it is long enough";
    synk_put(block);
}

} // namespace
