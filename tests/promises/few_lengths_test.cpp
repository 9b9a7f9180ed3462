// While little is lent, few lengths serve all sizes above 64 KiB, so that a thread which takes one buffer after another
// works on few blocks; what is idle of shorter ones comes before new memory all the same, and no request fails that a
// shorter one could serve. (Not under a memory checker: sized_pool_test.cpp.)
//
// ctest-variants: plain tsan
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include <gtest/gtest.h>

#include "support/few_lengths.hpp"
#include "support/gets.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

TEST_F(FewLengths, OneBlockServesAllSizesOfTwoTiers) {
    const std::byte* block = nullptr;
    for (const std::size_t n : {2 * mib + 1, mib + 1, 3 * mib, 4 * mib, mib + 1}) {
        const synk::bytes b = get(n);
        EXPECT_EQ(b.capacity(), 4 * mib);
        if (block == nullptr) block = b.data();
        EXPECT_EQ(b.data(), block);
    }
    EXPECT_EQ(synk::stats().idle, 4 * mib);
}

TEST_F(FewLengths, BareBlocksToo) {
    synk::sized_pool& pool = synk::get_sized_pool();
    void* const first = pool.allocate(3 * mib);
    pool.deallocate(first, 3 * mib);
    const std::uint64_t hits = cache_hits();
    void* const second = pool.allocate(mib + 1);
    EXPECT_EQ(second, first);
    EXPECT_EQ(cache_hits(), hits + 1);
    pool.deallocate(second, mib + 1);
    EXPECT_EQ(synk::stats().idle_cached, 4 * mib);
}

// Whose gets are served otherwise.
TEST_F(FewLengths, AnotherThreadPutsABareBlock) {
    synk::sized_pool& pool = synk::get_sized_pool();
    void* const p = pool.allocate(600 * kib);
    worker other;
    other.run([&pool, p] {
        sizes().serve_few_lengths(false);
        pool.deallocate(p, 600 * kib);
    });
    EXPECT_EQ(synk::stats().idle, mib);
}

TEST_F(FewLengths, ShortSizesHaveTheirClasses) {
    EXPECT_EQ(capacity_of(1), page);
    EXPECT_EQ(capacity_of(33 * kib), 40 * kib);
    EXPECT_EQ(capacity_of(64 * kib), 64 * kib);
    EXPECT_EQ(capacity_of(64 * kib + 1), 256 * kib);
}

TEST_F(FewLengths, LargeSizesHaveTheirClasses) {
    EXPECT_EQ(capacity_of(4 * mib + 1), 5 * mib);
    EXPECT_EQ(capacity_of(9 * mib), 10 * mib);
    const std::uint64_t hits = cache_hits();
    EXPECT_EQ(capacity_of(4 * mib + 1), 5 * mib);
    EXPECT_EQ(cache_hits(), hits + 1);
}

TEST_F(FewLengths, NotBesideAsMuchAsTheLongestThatIsLent) {
    {
        const synk::bytes some = get(mib);
        EXPECT_EQ(capacity_of(600 * kib), mib);
    }
    const synk::bytes much = get(little);
    EXPECT_EQ(capacity_of(200 * kib), 224 * kib);
}

// And again when less than half as much is, seen twice: not to and fro by a buffer more or less.
TEST_F(FewLengths, AgainBesideLessThanHalfOfThat) {
    ASSERT_NO_FATAL_FAILURE(leave_few_lengths());
    {
        const synk::bytes some = get(5 * mib / 2);
        for (int looks = 0; looks < 4; ++looks) ASSERT_NO_FATAL_FAILURE(look());
        EXPECT_FALSE(sizes().serves_few_lengths());
    }
    const synk::bytes some = get(3 * mib / 2);
    own().looks_in_favour = 0;
    ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_FALSE(sizes().serves_few_lengths());
    ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_TRUE(sizes().serves_few_lengths());
}

TEST_F(FewLengths, TwoLooksInFavourAreOneAfterTheOther) {
    ASSERT_NO_FATAL_FAILURE(leave_few_lengths());
    ASSERT_NO_FATAL_FAILURE(look());
    {
        const synk::bytes much = synk::get_sized_pool().get_sized(little);
        ASSERT_NO_FATAL_FAILURE(look());
    }
    ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_FALSE(sizes().serves_few_lengths());
    ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_TRUE(sizes().serves_few_lengths());
}

// One miss in eight looks, as it takes a while.
TEST_F(FewLengths, NotEachMissLooksWhetherToBegin) {
    ASSERT_NO_FATAL_FAILURE(leave_few_lengths());
    own().missed_gets = 0;
    int misses = 0;
    for (; misses < 16 && !sizes().serves_few_lengths(); ++misses) ASSERT_NO_FATAL_FAILURE(miss());
    EXPECT_EQ(misses, 8); // the first, and the seventh from there
}

// What a thread has out of its own cache is lent, too.
TEST_F(FewLengths, NotBesideMuchThatWasGotByHits) {
    ASSERT_NO_FATAL_FAILURE(leave_few_lengths());
    std::vector<synk::bytes> held;
    for (int round = 0; round < 2; ++round) {
        held.clear();
        const std::uint64_t hits = cache_hits();
        while (held.size() * mib < 3 * little) held.push_back(get(mib));
        ASSERT_TRUE(round == 0 || (cache_hits() - hits) * mib > little);
    }
    sizes().serve_few_lengths(true);
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
    for (int looks = 0; looks < 4; ++looks) ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_FALSE(sizes().serves_few_lengths());
}

// And as long as another thread is behind its cache's gate, nothing is known of that.
TEST_F(FewLengths, NotBegunWhileNobodyMayLookWhatIsLent) {
    ASSERT_NO_FATAL_FAILURE(leave_few_lengths());
    ASSERT_TRUE(own().gate.close([] {}, false));
    for (int looks = 0; looks < 4; ++looks) ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_FALSE(sizes().serves_few_lengths());
    own().gate.open();
    for (int looks = 0; looks < 2; ++looks) ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_TRUE(sizes().serves_few_lengths());
}

// What others put of it is not, though there is room for it in the cache.
TEST_F(FewLengths, BesideWhatOthersHavePut) {
    std::vector<synk::bytes> held;
    while (held.size() * mib < 3 * little) held.push_back(get(mib));
    held.clear();
    while (held.size() * mib < 3 * little) held.push_back(get(mib));
    worker other;
    other.run([&held] { held.clear(); });
    sizes().serve_few_lengths(true);
    EXPECT_EQ(capacity_of(300 * kib), mib);
    EXPECT_TRUE(sizes().serves_few_lengths());
}

// What nobody's hits got counts by equal shares: eight threads with a block each do not keep each other from it.
TEST_F(FewLengths, BesideALittleOfEachOfSeveralThreads) {
    std::vector<synk::bytes> held(7);
    std::vector<std::unique_ptr<worker>> others;
    for (auto& b : held) {
        others.push_back(std::make_unique<worker>());
        others.back()->run([&b] { b = synk::get_sized_pool().get_sized(3 * mib); });
        EXPECT_EQ(b.capacity(), 4 * mib);
    }
    EXPECT_EQ(capacity_of(3 * mib), 4 * mib);
    others.clear();
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib) << "they have ended, and what they got is this thread's";
}

// But a thread's own is its own, however many threads there are: those that sleep have no part in it.
TEST_F(FewLengths, NotBesideSoMuchOfItsOwn) {
    std::vector<std::unique_ptr<worker>> others;
    while (others.size() < 32) {
        others.push_back(std::make_unique<worker>());
        others.back()->run([] { static_cast<void>(synk::get_sized_pool().get_sized(1)); });
    }
    synk::trim();
    inside::shared_store::unmap_free(); // the rest of a chunk would serve shorter ones
    synk::sized_pool& pool = synk::get_sized_pool();
    std::vector<synk::bytes> held;
    while (held.size() * mib < little) {
        held.push_back(pool.get_sized(600 * kib));
        EXPECT_EQ(held.back().capacity(), mib);
    }
    held.push_back(pool.get_sized(600 * kib));
    EXPECT_EQ(held.back().capacity(), 640 * kib);
}

// However many threads share it: all that may lie idle shall be able to beside it.
TEST_F(FewLengths, NotBesideHalfOfTheLimitInAll) {
    const synk::bytes much = get(64 * mib);
    std::vector<std::unique_ptr<worker>> others;
    while (others.size() < 32) {
        others.push_back(std::make_unique<worker>());
        others.back()->run([] {
            sizes().serve_few_lengths(false);
            static_cast<void>(synk::get_sized_pool().get_sized(1));
        });
    }
    const synk::bytes more = get(16 * mib);
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
}

TEST_F(FewLengths, AThreadBeginsWithThem) {
    for (int time = 0; time < 2; ++time)
        std::thread([] { EXPECT_EQ(synk::get_sized_pool().get_sized(600 * kib).capacity(), mib); }).join();
}

// Whatever the thread before it handed over.
TEST_F(FewLengths, AThreadBeginsWithNothingOfItsOwn) {
    synk::bytes handed[5];
    std::thread([&handed] {
        for (auto& b : handed) b = synk::get_sized_pool().get_sized(4 * mib);
    }).join();
    for (auto& b : handed) b.reset();
    std::thread([] {
        static_cast<void>(synk::get_sized_pool().get_sized(600 * kib)); // a miss
        EXPECT_TRUE(sizes().serves_few_lengths());
    }).join();
}

// What others put is not for ever the thread's that got it.
TEST_F(FewLengths, AgainWhenOthersHavePutWhatTheThreadGot) {
    worker other;
    for (int block = 0; block < 3; ++block) {
        synk::bytes b = synk::get_sized_pool().get_sized(5 * mib);
        other.run([&b] { b.reset(); });
    }
    ASSERT_NO_FATAL_FAILURE(miss()); // the change
    EXPECT_FALSE(sizes().serves_few_lengths());
    for (int looks = 0; looks < 2; ++looks) ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_FALSE(sizes().serves_few_lengths());
    for (int visits = 0; visits < 8; ++visits) {
        static_cast<void>(synk::get_sized_pool().get_sized(16 * page)); // the keeper comes to caches that reserve any
        inside::thread_caches::age();
    }
    for (int looks = 0; looks < 2; ++looks) ASSERT_NO_FATAL_FAILURE(look());
    EXPECT_TRUE(sizes().serves_few_lengths());
}

// A few long blocks would be all that may lie idle.
TEST_F(FewLengths, NotWhereLittleMayLieIdle) {
    synk::configure(quiet_with_limit(64 * mib));
    EXPECT_EQ(capacity_of(200 * kib), 256 * kib);
    for (const std::size_t limit : {std::size_t{0}, 2 * mib, 64 * mib - 1}) {
        sizes().serve_few_lengths(true);
        synk::configure(quiet_with_limit(limit));
        EXPECT_EQ(capacity_of(100 * kib), 112 * kib) << limit;
        for (int looks = 0; looks < 3; ++looks) ASSERT_NO_FATAL_FAILURE(look());
        EXPECT_FALSE(sizes().serves_few_lengths()) << limit;
    }
}

// Else every get would clear more than was asked for.
TEST_F(FewLengths, NotWhereAllOfABlockIsWritten) {
    for (bool synk::options::*const option : {&synk::options::zero_on_get, &synk::options::clear_on_put}) {
        start_afresh();
        EXPECT_EQ(synk::get_sized_pool().get_sized(100 * kib).capacity(), 256 * kib);
        synk::options o = quiet();
        o.*option = true;
        synk::configure(o);
        EXPECT_EQ(synk::get_sized_pool().get_sized(100 * kib).capacity(), 112 * kib) << "with what lies in the cache";
        for (const std::size_t n : {200 * kib, 300 * kib, 600 * kib, mib + 1}) {
            own().missed_gets = 0;
            EXPECT_EQ(synk::get_sized_pool().get_sized(n).capacity(), inside::class_bytes(inside::class_of(n)));
            EXPECT_FALSE(sizes().serves_few_lengths());
        }
    }
}

TEST_F(FewLengths, NotWhereMisuseIsLookedFor) {
    synk::options o = quiet();
    o.hardened = true;
    o.guard_sample = 0;
    synk::configure(o);
    EXPECT_EQ(capacity_of(100 * kib), 112 * kib);
}

// A block that was got before the change, or is put behind it, goes back to its own bin.
TEST_F(FewLengths, BlocksOutliveTheChange) {
    synk::sized_pool& pool = synk::get_sized_pool();
    void* const common = pool.allocate(5 * mib / 2);
    void* fine = nullptr;
    {
        const synk::bytes much = get(3 * little);
        fine = pool.allocate(5 * mib / 2);
        pool.deallocate(common, 5 * mib / 2);
        EXPECT_EQ(synk::stats().idle_cached, 4 * mib);
    }
    synk::trim();
    sizes().serve_few_lengths(true);
    static_cast<void>(get(200 * kib));
    pool.deallocate(fine, 5 * mib / 2);
    EXPECT_EQ(synk::stats().idle_cached, 5 * mib / 2 + 256 * kib);
}

// The first get behind the change finds what the cache has of the other kind.
TEST_F(FewLengths, TheChangeItselfMissesNothing) {
    ASSERT_NO_FATAL_FAILURE(leave_few_lengths());
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
    sizes().serve_few_lengths(true);
    const synk::bytes much = get(3 * little);
    const std::uint64_t hits = cache_hits();
    EXPECT_EQ(capacity_of(600 * kib), 640 * kib);
    EXPECT_EQ(cache_hits(), hits + 1);
}

// The block stays where it holds what is wanted and a get would come to its like, whichever way gets are served now.
TEST_F(FewLengths, AResizeToTheSameSizeMovesNothing) {
    void* const common = synk_get(600 * kib);
    EXPECT_EQ(synk_capacity(common), mib);
    EXPECT_EQ(synk_resize(common, 600 * kib), common);
    void* fine = nullptr;
    {
        const synk::bytes much = get(3 * little);
        fine = synk_get(600 * kib);
        EXPECT_EQ(synk_capacity(fine), 640 * kib);
        EXPECT_EQ(synk_resize(common, 600 * kib), common);
    }
    synk::trim();
    sizes().serve_few_lengths(true);
    EXPECT_EQ(synk_resize(fine, 600 * kib), fine);
    synk_put(common);
    synk_put(fine);
}

// And goes where it would be more than that.
TEST_F(FewLengths, AResizeToLessMovesToAShorterOne) {
    void* const longer = synk_get(900 * kib);
    ASSERT_EQ(synk_capacity(longer), mib);
    void* const shorter = synk_resize(longer, 200 * kib);
    EXPECT_EQ(synk_capacity(shorter), 256 * kib);
    synk_put(shorter);
}

TEST_F(FewLengths, AResizeWithinABlockNeedsNoMemory) {
    const synk::bytes beside = get(64 * kib);
    const system_that_refuses refused({.map = true});
    void* const block = synk_get(3 * mib);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(sizes().serves_few_lengths());
    EXPECT_EQ(synk_resize(block, 3 * mib), block);
    EXPECT_EQ(synk_resize(block, 5 * mib / 2), block) << "it is long enough";
    synk_put(block);
}

} // namespace
