// What a thread finds when others have filled the budget of idle memory and rest: room, and resident pages.
#include <cstddef>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "chunks/chunk_store.hpp"
#include "pools/growth.hpp"
#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class FullBudget : public fresh_pool {
protected:
    // Of two that rest each has reserved half of the budget. Once warm, a third one is served by its cache.
    static void expect_room_beside_resting_threads() {
        synk::configure(quiet_with_limit(32 * mib));
        worker resting[2];
        std::vector<synk::bytes> held[2];
        for (const std::size_t i : {0U, 1U}) // as many as the channel takes, when the cache must give them up
            resting[i].run([&part = held[i], n = (2 + 2 * i) * mib] {
                while (part.size() * n < 16 * mib) part.push_back(get(n));
            });
        for (const std::size_t i : {0U, 1U}) resting[i].run([&part = held[i]] { part.clear(); });
        ASSERT_EQ(synk::stats().idle_cached, 32 * mib);

        get_and_put_each(20);
        const std::uint64_t hits = cache_hits();
        const std::uint64_t dropped = synk::stats().dropped;
        get_and_put_each(100);
        EXPECT_EQ(synk::stats().dropped, dropped);
        EXPECT_EQ(cache_hits() - hits, 100 * std::size(sizes));
        EXPECT_LE(synk::stats().idle, 32 * mib);
    }

    // `whole` blocks of 4 MiB were put, `lent` are still out; what a get of 2.5 MiB then finds, in bytes.
    static std::size_t capacity_found_beside(std::size_t whole, std::size_t lent) {
        std::vector<synk::bytes> held;
        while (held.size() < whole + lent) held.push_back(get(4 * mib));
        held.resize(lent);
        const synk::bytes found = get(5 * mib / 2);
        return found.capacity();
    }

    // As the cache of a thread is that no other thread had before.
    static inside::cache_record& has_never_missed(std::size_t n) {
        inside::cache_record& own = *inside::thread_caches::own();
        own.misses[inside::class_of(n)] = 0;
        return own;
    }

    static constexpr std::size_t sizes[] = {8 * kib, 100 * kib, 700 * kib, 1 * mib, 3 * mib};
    static void get_and_put_each(int times) {
        for (int i = 0; i < times; ++i)
            for (const std::size_t n : sizes) static_cast<void>(get(n));
    }
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
};

TEST_F(FullBudget, OfThreadsThatRestLeavesRoomForOneThatRuns) { expect_room_beside_resting_threads(); }

// Nothing but room is missing: there are addresses without memory for all that is asked for.
TEST_F(FullBudget, OfThreadsThatRestLeavesRoomForNewMemory) {
    for (std::vector<synk::bytes> before; before.size() < 16;) before.push_back(get(4 * mib));
    synk::trim();
    expect_room_beside_resting_threads();
}

// As the kernel's page faults show, new ones cost more than all the rest.
TEST_F(FullBudget, ResidentPagesAreLentBeforeOthers) {
    synk::bytes held[16];
    for (auto& b : held) b = get(512 * kib); // two chunks
    std::byte* const cold = held[1].data();
    std::byte* const warm = held[13].data();
    held[1].reset();
    synk::trim();
    ASSERT_EQ(synk::stats().idle, 0U);
    std::thread([&held] { held[13].reset(); }).join(); // its cache goes to the channel when it ends
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 512 * kib);
    const synk::bytes next = get(512 * kib);
    EXPECT_EQ(next.data(), warm) << "and not " << static_cast<const void*>(cold);
    EXPECT_EQ(synk::stats().idle, 0U);
}

// But not out of a run more than four times as long: that would be missing to a longer block.
TEST_F(FullBudget, AMuchLongerResidentRunIsNotCut) {
    static_cast<void>(get(4 * mib));
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 4 * mib);
    std::byte* block = nullptr;
    EXPECT_EQ(inside::chunk_store::claim_resident(inside::class_of(64 * kib), &block, 1).count, 0U);
    EXPECT_EQ(inside::chunk_store::claim_resident(inside::class_of(768 * kib), &block, 1).count, 0U);
    EXPECT_EQ(synk::stats().idle_chunk, 4 * mib);
}

// Unless what all threads have close at hand would be gathered instead.
TEST_F(FullBudget, AMuchLongerResidentRunIsCutBeforeTheCachesOfOthersAreEmptied) {
    synk::configure(quiet_with_limit(32 * mib));
    std::vector<synk::bytes> held;
    while (held.size() < 7) held.push_back(get(4 * mib));
    worker other;
    other.run([] { static_cast<void>(get(64 * kib)); });
    held.clear();
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 28 * mib);
    ASSERT_EQ(synk::stats().idle_cached, 64 * kib);
    const std::size_t gone = synk::stats().gone;
    const synk::bytes small = get(20 * kib);
    EXPECT_EQ(synk::stats().gone, gone) << "there was resident memory";
    const std::uint64_t hits = cache_hits();
    other.run([] { static_cast<void>(get(64 * kib)); });
    EXPECT_EQ(cache_hits(), hits + 1);
}

// But not where most lies in caches: what is gathered there may be as long as is wanted, and the long run stays.
TEST_F(FullBudget, AMuchLongerResidentRunIsNotCutWhereMoreLiesInCaches) {
    synk::configure(quiet_with_limit(32 * mib));
    worker other;
    std::vector<synk::bytes> pieces, lent, whole;
    other.run([&] {
        while (pieces.size() < 64) pieces.push_back(get(64 * kib)); // a chunk
        while (whole.size() < 6) whole.push_back(get(4 * mib));
    });
    synk::bytes long_run = get(4 * mib);
    ASSERT_EQ(mapped(), 32 * mib);
    other.run([&] {
        for (std::size_t i = 0; i < pieces.size(); i += 2) lent.push_back(std::move(pieces[i]));
        pieces.clear();
        whole.clear();
    });
    ASSERT_EQ(synk::stats().idle_cached, 26 * mib);
    long_run.reset();
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 4 * mib);
    const synk::bytes small = get(20 * kib);
    while (whole.size() < 7) whole.push_back(get(4 * mib));
    EXPECT_EQ(mapped(), 32 * mib) << "a whole chunk was cut";
    other.run([&] { lent.clear(); });
}

// A thread alone with the pool comes to have so much in its cache that each get finds its length there, or a longer
// one.
TEST_F(FullBudget, BurstsOfOneThreadComeToBeServedByItsCache) {
    synk::configure(quiet_with_limit(20 * mib));
    random_source random(1);
    std::vector<std::size_t> wanted(1024);
    for (std::size_t& n : wanted) n = random.between(1, page << random.below(8));
    const auto bursts = [&wanted](std::size_t times) {
        std::vector<synk::bytes> held;
        for (std::size_t i = 0; i < times * wanted.size(); ++i) {
            held.push_back(get(wanted[i % wanted.size()]));
            if (held.size() == 64) held.clear();
        }
    };
    constexpr std::size_t times = 20;
    bursts(10); // soon: it took 6
    const std::uint64_t hits = cache_hits();
    bursts(times);
    const std::uint64_t misses = times * wanted.size() - (cache_hits() - hits);
    EXPECT_LE(misses, times) << "but for those that cut a longer one all the same (growth::may_lend_longer)";
}

// And one that works against itself beside them: only half of the budget is for all.
TEST_F(FullBudget, ByOthersToMoreThanAHalfIsNotFilledWithNewMemory) {
    synk::configure(quiet_with_limit(32 * mib));
    static_cast<void>(get(page)); // makes the thread's cache
    constexpr unsigned patience = 16;
    worker other;
    std::vector<synk::bytes> held;
    const auto is_due_when_there_rest = [&](std::size_t blocks) {
        other.run([&] {
            while (held.size() < blocks) held.push_back(get(4 * mib));
            held.clear();
        });
        EXPECT_GE(synk::stats().idle, blocks * 4 * mib);
        inside::thread_caches::own()->evictions = patience;
        return inside::growth::is_due();
    };
    EXPECT_TRUE(is_due_when_there_rest(3));
    EXPECT_FALSE(is_due_when_there_rest(5));
    // Who has most of it itself takes nobody's room.
    other.run([] { synk::trim(); });
    while (held.size() < 5) held.push_back(get(4 * mib));
    held.clear();
    EXPECT_EQ(synk::stats().idle_cached, 20 * mib);
    inside::thread_caches::own()->evictions = patience;
    EXPECT_TRUE(inside::growth::is_due());
    inside::thread_caches::own()->evictions = patience - 1;
    EXPECT_FALSE(inside::growth::is_due());
}

// It comes back as it was, for the next get that wants so much. To cut it up would be a miss for that one.
TEST_F(FullBudget, ALongerBlockIsLentAsItIs) {
    synk::configure(quiet_with_limit(32 * mib));
    const std::uint64_t splits = synk::stats().splits;
    EXPECT_EQ(capacity_found_beside(5, 0), 4 * mib);
    EXPECT_EQ(synk::stats().splits, splits);
    EXPECT_EQ(synk::stats().idle, 20 * mib);
}

// And before a free run of just the length in a chunk, which all threads share.
TEST_F(FullBudget, ALongerBlockThatIsCloseAtHandComesBeforeAFreeRun) {
    synk::configure(quiet_with_limit(32 * mib));
    const synk::bytes much = get(5 * mib); // or few lengths serve
    const synk::bytes first = get(64 * kib);
    static_cast<void>(get(5 * mib / 2));
    const synk::bytes own = get(5 * mib / 2); // it has a place in the cache
    worker other;
    synk::bytes beside; // in the other chunk, or a get of all of that would take the run
    other.run([&beside] {
        {
            const synk::bytes run = get(5 * mib / 2);
            beside = get(3 * mib / 2);
        }
        inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    });
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 5 * mib / 2);
    has_never_missed(5 * mib / 2); // or only one miss in eight would look
    EXPECT_EQ(capacity_found_beside(5, 0), 4 * mib);
    EXPECT_EQ(synk::stats().idle_chunk, 5 * mib / 2);
}

// But a thread that has no place for the length in its cache would be lent the longer one again and again.
TEST_F(FullBudget, AFreeRunIsCutForAThreadThatHasNothingOfTheLength) {
    synk::configure(quiet_with_limit(32 * mib));
    const synk::bytes much = get(5 * mib); // or few lengths serve
    worker other;
    const synk::bytes beside = get(64 * kib); // or a get of the whole chunk would take the run
    other.run([] {
        static_cast<void>(get(5 * mib / 2));
        inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    });
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 5 * mib / 2);
    has_never_missed(5 * mib / 2);
    EXPECT_EQ(capacity_found_beside(5, 0), 5 * mib / 2);
    EXPECT_EQ(synk::stats().idle_chunk, 0U);
    const std::uint64_t hits = cache_hits();
    EXPECT_EQ(get(5 * mib / 2).capacity(), 5 * mib / 2);
    EXPECT_EQ(cache_hits(), hits + 1) << "from now on it is at hand";
}

// Of short ones several: single pages would be neighbours of another thread's, and their records share a line.
TEST_F(FullBudget, ShortRunsAreCutSeveralAtOnce) {
    synk::configure(quiet_with_limit(32 * mib));
    worker other;
    const synk::bytes before = get(64 * kib);
    synk::bytes behind[2]; // it is the longest run of the chunk
    other.run([&behind] {
        {
            const synk::bytes run = get(128 * kib);
            behind[0] = get(7 * mib / 2);
            behind[1] = get(256 * kib);
        }
        inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    });
    inside::shared_store::empty_channels();
    std::vector<synk::bytes> held;
    while (held.size() < 5) held.push_back(get(4 * mib));
    held.clear();
    has_never_missed(32 * kib);
    const synk::bytes block = get(32 * kib);
    EXPECT_EQ(block.capacity(), 32 * kib);
    EXPECT_EQ(inside::thread_caches::own()->count(inside::class_of(32 * kib)), 1U);
}

// One that does not put what it gets would come for such a run again and again.
TEST_F(FullBudget, AThreadThatOnlyGetsLacksAClassOnce) {
    const unsigned cls = inside::class_of(1 * mib);
    inside::cache_record& own = has_never_missed(1 * mib);
    synk::bytes block = get(1 * mib);
    ASSERT_EQ(own.limit(cls), 0U);
    ASSERT_EQ(own.misses[cls], 1U);
    EXPECT_TRUE(inside::thread_caches::lacks(own, cls));
    inside::thread_caches::note_cut_off(own, cls);
    EXPECT_FALSE(inside::thread_caches::lacks(own, cls));
    block.reset(); // it does put
    EXPECT_FALSE(inside::thread_caches::lacks(own, cls)) << "it has a place";
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    EXPECT_TRUE(inside::thread_caches::lacks(own, cls));
    own.misses[cls] = 2;
    EXPECT_FALSE(inside::thread_caches::lacks(own, cls)) << "it has looked in vain just now";
    own.misses[cls] = 9;
    EXPECT_TRUE(inside::thread_caches::lacks(own, cls));
}

TEST_F(FullBudget, AThreadThatBeginsLacksWhatTheOneBeforeItOnlyGot) {
    const unsigned cls = inside::class_of(1 * mib);
    inside::cache_record* before = nullptr;
    std::thread([&] {
        before = &has_never_missed(1 * mib);
        inside::thread_caches::note_cut_off(*before, cls);
    }).join();
    std::thread([&] {
        inside::cache_record& own = has_never_missed(1 * mib);
        ASSERT_EQ(&own, before);
        own.misses[cls] = 1;
        EXPECT_TRUE(inside::thread_caches::lacks(own, cls));
    }).join();
}

// Or a thread that works with this length all the time would never have one at hand.
TEST_F(FullBudget, ButNowAndThenItIsCutUp) {
    synk::configure(quiet_with_limit(32 * mib));
    const synk::bytes much = get(5 * mib); // or few lengths serve
    std::vector<synk::bytes> held, held_by_other;
    const auto get_three = [](std::vector<synk::bytes>& part) {
        while (part.size() < 3) part.push_back(get(4 * mib));
    };
    get_three(held);
    worker other; // comes to have as much as this thread: neither is due for new memory
    other.run([&] { get_three(held_by_other); });
    other.run([&] { held_by_other.clear(); });
    held.clear();
    ASSERT_EQ(synk::stats().idle_cached, 24 * mib);
    const std::size_t mapped_before = mapped();
    unsigned longer = 0;
    while (longer < 1000 && get(5 * mib / 2).capacity() == 4 * mib) ++longer;
    EXPECT_EQ(longer, 255U);
    EXPECT_EQ(get(5 * mib / 2).capacity(), 5 * mib / 2) << "and from then on it is at hand";
    EXPECT_EQ(mapped(), mapped_before);
}

// That turn is over when the block came out of a chunk, too.
TEST_F(FullBudget, TheTurnToCutOneUpIsTakenOnce) {
    synk::configure(quiet_with_limit(32 * mib));
    std::vector<synk::bytes> held;
    while (held.size() < 5) held.push_back(get(4 * mib));
    held.clear();
    inside::thread_caches::own()->evictions = 255;
    EXPECT_EQ(inside::growth::may_lend_longer(), inside::growth::longer::not_this_time);
    EXPECT_EQ(inside::growth::may_lend_longer(), inside::growth::longer::yes);
}

// A block for which no room could be made costs nobody his.
TEST_F(FullBudget, ABlockLongerThanAllOfItPushesNothingOut) {
    synk::configure(quiet_with_limit(16 * mib));
    synk::bytes too_long = get(20 * mib);
    static_cast<void>(get(4 * mib));
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 4 * mib);
    too_long.reset();
    EXPECT_EQ(synk::stats().idle_chunk, 4 * mib);
    EXPECT_EQ(synk::stats().idle, 4 * mib);
}

TEST_F(FullBudget, NotWhereHalfOfItIsFree) {
    synk::configure(quiet_with_limit(32 * mib));
    const synk::bytes much = get(5 * mib); // or few lengths serve
    EXPECT_EQ(capacity_found_beside(4, 0), 5 * mib / 2);
}

// What is too long would be missing to others.
TEST_F(FullBudget, NorBesideMuchThatIsLent) {
    synk::configure(quiet_with_limit(32 * mib));
    EXPECT_EQ(capacity_found_beside(5, 5), 5 * mib / 2);
}

TEST_F(FullBudget, NorWhereTheRequestWouldNotFillTheBlockToAHalf) {
    synk::configure(quiet_with_limit(32 * mib));
    std::vector<synk::bytes> held;
    while (held.size() < 5) held.push_back(get(4 * mib));
    held.clear();
    EXPECT_EQ(get(2 * mib).capacity(), 4 * mib);
    EXPECT_EQ(get(2 * mib - 1).capacity(), 2 * mib);
}

// New memory would push out what is idle, and be pushed out in turn.
TEST_F(FullBudget, ALongerIdleBlockIsCutUpBeforePagesWithoutMemoryAreLent) {
    static_cast<void>(get(4 * mib));
    start_afresh(); // what is known of that chunk's pages is not true of the next one with its number
    synk::configure(quiet_with_limit(16 * mib));
    const synk::bytes first = get(512 * kib); // the rest of its chunk has no memory
    std::vector<synk::bytes> held;
    while (held.size() < 4) held.push_back(get(4 * mib));
    held.clear();
    ASSERT_EQ(synk::stats().idle, 16 * mib);
    const std::size_t gone = synk::stats().gone;
    ASSERT_GE(gone, 512 * kib);
    const synk::bytes next = get(512 * kib);
    EXPECT_EQ(synk::stats().gone, gone);
    EXPECT_EQ(synk::stats().idle, 16 * mib - 512 * kib);
}

} // namespace
