// <synk/stats.hpp>: every field counts what its comment says, and nothing else.
#include <synk/stats.hpp>

#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/random.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

// The fields that only grow, since some moment.
synk::statistics since(const synk::statistics& before) {
    synk::statistics now = synk::stats();
    now.splits -= before.splits;
    now.restored -= before.restored;
    now.dropped -= before.dropped;
    now.given_back -= before.given_back;
    now.refused_advice -= before.refused_advice;
    for (std::size_t t = 0; t < now.tiers.size(); ++t) {
        now.tiers[t].cache_hits -= before.tiers[t].cache_hits;
        now.tiers[t].channel_hits -= before.tiers[t].channel_hits;
        now.tiers[t].chunk_hits -= before.tiers[t].chunk_hits;
        now.tiers[t].misses -= before.tiers[t].misses;
    }
    return now;
}

class Stats : public fresh_pool {
protected:
    void SetUp() override {
        fresh_pool::SetUp();
        before_ = synk::stats();
    }
    [[nodiscard]] synk::statistics now() const { return since(before_); }
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    static std::vector<synk::bytes> get(std::size_t n, std::size_t count) {
        std::vector<synk::bytes> held;
        for (std::size_t i = 0; i < count; ++i) held.push_back(get(n));
        return held;
    }

    synk::statistics before_;
};

TEST_F(Stats, RoomOfTheChannelsIsTheSpecifications) {
    const synk::statistics s = synk::stats();
    ASSERT_EQ(s.tiers.size(), 12U);
    for (unsigned t = 0; t < 11; ++t) EXPECT_EQ(s.tiers[t].channel_room, std::max(8U, 256U >> t));
    EXPECT_EQ(s.tiers[11].channel_room, 0U);
    EXPECT_EQ(s.tiers[11].in_channel, 0U);
}

TEST_F(Stats, AFreshPoolHasNothing) {
    const synk::statistics s = now();
    EXPECT_EQ(s.mapped, 0U);
    EXPECT_EQ(s.lent, 0U);
    EXPECT_EQ(s.idle, 0U);
    EXPECT_EQ(s.gone, 0U);
}

TEST_F(Stats, MappedIsWholeChunksAndLargeBlocks) {
    const synk::bytes small = get(1);
    EXPECT_EQ(now().mapped, 4 * mib);
    const synk::bytes other = get(mib);
    EXPECT_EQ(now().mapped, 4 * mib) << "the chunk has room for it";
    const synk::bytes whole = get(4 * mib);
    EXPECT_EQ(now().mapped, 8 * mib);
    synk::bytes large = get(5 * mib + 1);
    EXPECT_EQ(now().mapped, 14 * mib);
    large.reserve(6 * mib + 1);
    EXPECT_EQ(now().mapped, 15 * mib) << "it has grown";
    large.reset();
    synk::trim();
    EXPECT_EQ(now().mapped, 8 * mib);
}

TEST_F(Stats, LentIsTheCapacityInUsersHands) {
    std::size_t sum = 0;
    std::vector<synk::bytes> held;
    for (const std::size_t n : {std::size_t{1}, page + 1, 9 * page, mib, 4 * mib, 5 * mib, 30 * mib}) {
        held.push_back(get(n));
        sum += held.back().capacity();
        EXPECT_EQ(now().lent, sum);
    }
    void* const p = held.back().release();
    EXPECT_EQ(now().lent, sum) << "a bare pointer is in a user's hands too";
    held.back() = synk::bytes::adopt(p);
    for (synk::bytes& b : held) {
        sum -= b.capacity();
        b.reset();
        EXPECT_EQ(now().lent, sum);
    }
}

TEST_F(Stats, IdleLiesWhereItSays) {
    std::vector<synk::bytes> held = get(64 * kib, 60);
    std::vector<synk::bytes> large = get(6 * mib, 20); // a thread may have 112 MiB
    held.clear();
    EXPECT_EQ(now().idle_cached, now().idle);
    worker other; // its cache goes to the others when it ends
    {
        worker ends;
        ends.run([] { get(64 * kib, 30).clear(); });
    }
    const synk::statistics ended = now();
    EXPECT_EQ(ended.idle_channel, ended.tiers[4].in_channel * 64 * kib);
    EXPECT_GT(ended.idle_channel, 0U);
    EXPECT_EQ(ended.idle, ended.idle_cached + ended.idle_channel + ended.idle_chunk);
    large.clear();
    EXPECT_EQ(now().idle_cached + now().idle_large, ended.idle_cached + 20 * 6 * mib);
    EXPECT_GT(now().idle_large, 0U);
    EXPECT_EQ(now().mapped, now().idle + now().lent + now().gone);
}

TEST_F(Stats, GoneIsWhatHasNoMemoryBehindIt) {
    synk::bytes b = get(4 * mib);
    EXPECT_EQ(now().gone, 0U);
    b.reset();
    EXPECT_EQ(now().gone, 0U);
    EXPECT_EQ(now().idle, 4 * mib);
    EXPECT_EQ(synk::trim(), 4 * mib);
    EXPECT_EQ(now().gone, 4 * mib);
    EXPECT_EQ(now().idle, 0U);
    EXPECT_EQ(now().given_back, 4 * mib);
    b = get(4 * mib);
    EXPECT_EQ(now().gone, 0U);
}

TEST_F(Stats, WhatANewChunkHasLeftIsGone) {
    const synk::bytes b = get(mib);
    EXPECT_EQ(now().gone, 3 * mib) << "nobody has touched it yet";
    EXPECT_EQ(now().idle, 0U);
}

TEST_F(Stats, AMissNeedsNewMemory) {
    const synk::bytes first = get(4 * mib);
    EXPECT_EQ(now().tiers[10].misses, 1U);
    const synk::bytes second = get(4 * mib);
    EXPECT_EQ(now().tiers[10].misses, 2U);
    const synk::bytes large = get(5 * mib);
    EXPECT_EQ(now().tiers[11].misses, 1U);
    EXPECT_EQ(gets_of(now().tiers[10]), 2U);
    EXPECT_EQ(gets_of(now().tiers[11]), 1U);
}

// Where nearly all that may be idle is, a longer block is lent as it is.
TEST_F(Stats, AHitIsOfTheTierThatWasAskedFor) {
    synk::configure(quiet_with_limit(32 * mib));
    std::vector<synk::bytes> held;
    while (held.size() < 5) held.push_back(get(4 * mib));
    held.clear();
    ASSERT_EQ(get(2 * mib).capacity(), 4 * mib);
    EXPECT_EQ(now().tiers[9].cache_hits, 1U);
    EXPECT_EQ(now().tiers[10].cache_hits, 0U);
    EXPECT_EQ(gets_of(now().tiers[9]), 1U);
    EXPECT_EQ(gets_of(now().tiers[10]), 5U);
}

TEST_F(Stats, ACacheHitIsServedFromTheThreadsOwn) {
    for (const auto& [n, tier] : std::vector<std::pair<std::size_t, unsigned>>{
             {1, 0}, {2 * page, 1}, {3 * page, 2}, {4 * page, 2}, {mib, 8}, {3 * mib, 10}, {5 * mib, 11}}) {
        get(n).reset();
        const std::uint64_t hits = now().tiers[tier].cache_hits;
        get(n).reset();
        get(n).reset();
        EXPECT_EQ(now().tiers[tier].cache_hits, hits + 2) << n;
    }
}

TEST_F(Stats, AChannelHitIsServedFromTheChannel) {
    {
        worker ends;
        ends.run([] { get(mib, 3).clear(); });
    }
    ASSERT_EQ(now().tiers[8].in_channel, 3U);
    const synk::bytes b = get(mib);
    EXPECT_EQ(now().tiers[8].channel_hits, 1U);
    EXPECT_LT(now().tiers[8].in_channel, 3U);
}

TEST_F(Stats, AChunkHitIsServedFromIdlePages) {
    const synk::bytes much = get(12 * mib); // or few lengths would serve
    get(4 * mib).reset();
    const synk::bytes b = get(mib);
    EXPECT_EQ(now().tiers[8].chunk_hits, 1U);
    EXPECT_EQ(now().tiers[8].misses, 0U);
    EXPECT_EQ(now().splits, 1U);
}

TEST_F(Stats, ASplitCutsALongerIdleRun) {
    const synk::bytes much = get(12 * mib); // as above
    get(4 * mib).reset();
    synk::trim(); // into free pages
    const std::vector<synk::bytes> quarters = get(mib, 4);
    EXPECT_EQ(now().tiers[8].misses, 0U);
    EXPECT_EQ(now().splits, 3U) << "the fourth was exactly what was left";
}

TEST_F(Stats, AChunkIsRestoredByItsLastPiece) {
    std::vector<synk::bytes> pieces = get(mib, 4);
    while (pieces.size() > 1) pieces.pop_back();
    synk::trim();
    EXPECT_EQ(now().restored, 0U);
    pieces.clear();
    synk::trim();
    EXPECT_EQ(now().restored, 1U);
    get(4 * mib).reset();
    synk::trim();
    EXPECT_EQ(now().restored, 1U) << "it was in one piece all the time";
}

TEST_F(Stats, ADropIsAPutWithoutRoom) {
    synk::configure(quiet_with_limit(0));
    get(page).reset();
    EXPECT_EQ(now().dropped, 1U);
    EXPECT_EQ(now().given_back, page);
    get(5 * mib).reset();
    EXPECT_EQ(now().dropped, 2U);
    EXPECT_EQ(now().given_back, page + 5 * mib);
}

TEST_F(Stats, RefusedAdviceIsCounted) {
    synk::configure(quiet_with_limit(0));
    const synk::bytes lent = get(page); // so that the chunk cannot be unmapped
    {
        const system_that_refuses system({.advise = true});
        get(page).reset();
        EXPECT_EQ(now().refused_advice, system.count());
        EXPECT_GT(system.count(), 0U);
    }
    EXPECT_EQ(now().given_back, 0U);
    EXPECT_EQ(now().idle, page) << "it stays, and is known to stay";
    EXPECT_EQ(synk::trim(), page);
}

// However a get was served, it is counted once, in the tier of its size; but where few lengths serve all above 64 KiB,
// of which each holds two tiers, in either of the two.
TEST_F(Stats, EveryGetIsCountedOnce) {
    random_source random = seeded();
    for (const std::size_t beside : {std::size_t{1}, 12 * mib}) {
        const synk::bytes much = get(beside);
        const synk::statistics before = synk::stats();
        std::array<std::uint64_t, 12> gets{}, counted{};
        std::vector<synk::bytes> held(100);
        for (std::size_t i = 0; i < effort(20'000); ++i) {
            const auto tier = static_cast<unsigned>(random.below(random.one_in(20) ? 12 : 11));
            const std::size_t most = page << tier;
            synk::bytes& b = held[random.below(tier < 6 ? held.size() : 4)];
            b.reset();
            b = get(most - random.below(most / 2));
            ++gets[tier];
            if (random.one_in(1'000)) synk::trim(random.below(20) * mib);
        }
        const synk::statistics after = since(before);
        for (unsigned t = 0; t < 12; ++t) counted[t] = gets_of(after.tiers[t]);
        if (beside == 1)
            for (auto* const of : {&gets, &counted})
                for (const unsigned t : {5U, 7U, 9U}) (*of)[t] += std::exchange((*of)[t + 1], 0U);
        EXPECT_EQ(counted, gets) << "beside " << beside;
        held.clear();
        expect_accounts_balance();
    }
}

TEST_F(Stats, OtherThreadsAreCountedToo) {
    run_threads(4, [](unsigned) {
        for (int i = 0; i < 100; ++i) get(mib).reset();
    });
    EXPECT_EQ(gets_of(now().tiers[8]), 400U);
    EXPECT_EQ(now().lent, 0U);
    expect_accounts_balance();
}

} // namespace
