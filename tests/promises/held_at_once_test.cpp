// Who holds many buffers at once and puts them finds them in its own cache the next time.
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "chunks/chunk_store.hpp"
#include "support/fresh_pool.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

std::uint64_t gets_past_the_caches() {
    std::uint64_t sum = 0;
    for (const auto& tier : synk::stats().tiers) sum += tier.channel_hits + tier.chunk_hits + tier.misses;
    return sum;
}

void hold(std::size_t count, std::size_t size) {
    std::vector<synk::bytes> held;
    held.reserve(count);
    while (held.size() < count) held.push_back(synk::get_sized_pool().get_sized(size));
}

struct burst {
    std::size_t count, size;
};
class HeldAtOnce : public fresh_pool, public testing::WithParamInterface<burst> {};

TEST_P(HeldAtOnce, IsFoundInTheOwnCacheTheNextTime) {
    const auto [count, size] = GetParam();
    synk::configure(quiet_with_limit(128 * mib));
    for (int i = 0; i < 3; ++i) hold(count, size);
    const auto before = gets_past_the_caches();
    hold(count, size);
    EXPECT_EQ(gets_past_the_caches(), before);
}

INSTANTIATE_TEST_SUITE_P(Bursts, HeldAtOnce,
                         testing::Values(burst{16, 4 * kib}, burst{3072, 4 * kib}, burst{1024, 32 * kib},
                                         burst{440, 256 * kib}, burst{110, mib}, burst{27, 4 * mib}, burst{18, 6 * mib},
                                         burst{3, 30 * mib}),
                         [](const auto& which) {
                             return std::to_string(which.param.count) + "x" + std::to_string(which.param.size / kib);
                         });

// How many visits to what is shared each of some bursts takes, once it is as in the long run.
double visits_a_burst(std::size_t count, std::size_t size) {
    constexpr int bursts = 8;
    for (int i = 0; i < bursts; ++i) hold(count, size);
    const auto before = gets_past_the_caches();
    for (int i = 0; i < bursts; ++i) hold(count, size);
    return static_cast<double>(gets_past_the_caches() - before) / bursts;
}

class MoreThanACacheKeeps : public fresh_pool, public testing::WithParamInterface<std::size_t> {};

// A cache keeps 3,072 of these. What it cannot keep comes by sixteen a visit, and the others stay where they are.
TEST_P(MoreThanACacheKeeps, CostsVisitsForWhatItCannotKeepAlone) {
    synk::configure(quiet_with_limit(128 * mib));
    const auto beyond = static_cast<double>(GetParam() - 3072);
    EXPECT_LE(visits_a_burst(GetParam(), 4 * kib), 16 + beyond / 8);
}

INSTANTIATE_TEST_SUITE_P(Bursts, MoreThanACacheKeeps, testing::Values(3'073, 3'200, 4'000, 5'500),
                         testing::PrintToStringParamName());

class FreePages : public fresh_pool {};

TEST_F(FreePages, ThatLieApartInAChunkComeByManyAtOnce) {
    synk::configure(quiet_with_limit(128 * mib));
    std::vector<synk::bytes> lent;
    while (lent.size() < 2048) lent.push_back(synk::get_sized_pool().get_sized(4 * kib));
    run_threads(1, [&](unsigned) {
        for (std::size_t i = 0; i < lent.size(); i += 2) lent[i].reset();
    });
    const auto before = gets_past_the_caches();
    hold(800, 4 * kib); // the pages of two chunks in three; channels have 32
    EXPECT_LE(gets_past_the_caches() - before, 800 / 8);
}

// Blocks of some chunks at once: it is asked about the chunk of the last one.
TEST_F(FreePages, AreMeasuredWhereTheLastOneLies) {
    synk::configure(quiet_with_limit(128 * mib));
    constexpr unsigned half = inside::class_of(2 * mib), whole = inside::class_of(4 * mib);
    std::byte* in_one[2];
    std::byte* in_other[2];
    for (std::byte** blocks : {in_one, in_other}) ASSERT_EQ(inside::chunk_store::claim_new(half, blocks, 2).count, 2U);
    const auto put = [](std::vector<std::byte*> blocks) {
        EXPECT_TRUE(inside::budget.take(blocks.size() * 2 * mib));
        return inside::shared_store::put_pages(blocks.data(), static_cast<unsigned>(blocks.size()), whole);
    };
    EXPECT_FALSE(put({in_one[0], in_one[1], in_other[0]})) << "half of that chunk is lent";
    EXPECT_TRUE(put({in_other[1]}));
    for (std::byte** blocks : {in_one, in_other}) ASSERT_EQ(inside::chunk_store::claim_new(half, blocks, 2).count, 2U);
    EXPECT_FALSE(put({in_other[0], in_other[1], in_one[0]})) << "the same with the addresses the other way round";
    EXPECT_TRUE(put({in_one[1]}));
    expect_accounts_balance();
}

// Half of them to 32 KiB, 30 % to 256 KiB, the others to 4 MiB: the mix of ./bench.
std::size_t mixed_size(random_source& random) {
    const std::size_t percent = random.below(100);
    if (percent < 50) return random.between(4, 32) * kib;
    if (percent < 80) return random.between(32, 256) * kib;
    return random.between(256, 4096) * kib;
}

class MixedAtOnce : public fresh_pool {};

// Of one burst's pieces the next one's wholes can be put together. Were they at each burst, all caches would be empty
// each time: what is put together too often comes to lie side by side.
TEST_F(MixedAtOnce, AreSeldomPutTogether) {
    constexpr int lives = 6, bursts = 1'000, at_once = 64;
    random_source random = seeded();
    std::vector<synk::bytes> held;
    const auto burst = [&] {
        while (held.size() < at_once) held.push_back(synk::get_sized_pool().get_sized(mixed_size(random)));
        held.clear();
    };
    std::uint64_t past_caches = 0;
    for (int life = 0; life < lives; ++life) {
        start_afresh();
        synk::configure(quiet_with_limit(128 * mib));
        for (int i = 0; i < bursts; ++i) burst();
        const auto before = gets_past_the_caches();
        for (int i = 0; i < bursts; ++i) burst();
        past_caches += gets_past_the_caches() - before;
    }
    EXPECT_LE(2 * past_caches, std::uint64_t{3} * lives * bursts * at_once / 1000) << "of 1,000 gets at most 1.5";
}

class HeldBefore : public fresh_pool {};

TEST_F(HeldBefore, IsKeptTogetherWithWhatOthersPassOn) {
    synk::configure(quiet_with_limit(128 * mib));
    hold(33, 32 * kib);
    std::thread([] { hold(31, 32 * kib); }).join();
    for (int i = 0; i < 3; ++i) hold(64, 32 * kib);
    const auto before = gets_past_the_caches();
    hold(64, 32 * kib);
    EXPECT_EQ(gets_past_the_caches(), before);
}

// It takes no keeper for that, and goes by the chunks, so that the same memory serves.
TEST_F(HeldBefore, MakesRoomForWhatIsHeldNow) {
    synk::configure(quiet_with_limit(128 * mib));
    hold(110, mib);
    const std::size_t mapped_before = mapped();
    for (int i = 0; i < 200; ++i) hold(1, 6 * mib);
    for (int i = 0; i < 3; ++i) hold(240, 256 * kib);
    const auto before = gets_past_the_caches();
    hold(240, 256 * kib);
    hold(1, 6 * mib);
    EXPECT_EQ(gets_past_the_caches(), before);
    EXPECT_LE(mapped(), mapped_before + 6 * mib);
    expect_accounts_balance();
}

TEST_F(HeldBefore, LeavesTheCacheWhenItHasBeenParkedForAVisit) {
    synk::configure(quiet_with_limit(128 * mib));
    hold(3072, page);
    inside::thread_caches::age();
    EXPECT_EQ(synk::stats().idle_cached, 3072 * page);
    inside::thread_caches::age();
    EXPECT_EQ(synk::stats().idle_cached, 0U);
    EXPECT_EQ(synk::stats().idle, 3072 * page);
}

TEST_F(HeldBefore, GoesWithATrimAllAtOnce) {
    synk::configure(quiet_with_limit(128 * mib));
    hold(3072, page);
    inside::thread_caches::age();
    EXPECT_EQ(synk::trim(), 3072 * page);
    EXPECT_EQ(synk::stats().idle, 0U);
}

// A thread that held very many for itself begins to put what others got.
TEST_F(HeldBefore, GoesToTheOthersPartByPartOnceNobodyGetsHere) {
    constexpr std::size_t count = 3072;
    synk::configure(quiet_with_limit(128 * mib));
    std::vector<synk::bytes> of_others;
    worker other;
    other.run([&] {
        while (of_others.size() < 2 * count) of_others.push_back(synk::get_sized_pool().get_sized(page));
    });
    hold(count, page);
    for (synk::bytes& b : of_others) {
        b.reset();
        if (of_others.size() % 512 == 0) expect_accounts_balance();
    }
    expect_accounts_balance();
    EXPECT_LE(synk::stats().idle_cached, count * page / 4);
    EXPECT_EQ(synk::stats().idle, 3 * count * page) << "nothing is lost on the way";
}

class HeldByMany : public fresh_pool {};

// Or what one thread keeps would be missing to the others.
TEST_F(HeldByMany, IsLeftToAllWhereHalfOfWhatMayBeIdleIs) {
    constexpr std::size_t limit = 64 * mib;
    synk::configure(quiet_with_limit(limit));
    std::vector<synk::bytes> held;
    while (lent() < 24 * mib) held.push_back(synk::get_sized_pool().get_sized(256 * kib));
    worker other;
    other.run([] { hold(36, mib); }); // and it lies in that thread's cache
    ASSERT_GT(synk::stats().idle_cached, limit / 2);
    const std::size_t of_the_other = synk::stats().idle_cached;
    held.clear();
    EXPECT_LE(synk::stats().idle_cached, of_the_other + 4 * mib);
}

} // namespace
