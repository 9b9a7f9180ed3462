// Beside much that is lent little lies idle (growth.hpp), and yet a thread keeps what its gets want again and again.
#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "pools/growth.hpp"
#include "support/fresh_pool.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

constexpr std::size_t limit = 16 * mib;
constexpr std::size_t largest = 512 * kib;

class IdleBesideLent : public fresh_pool {
protected:
    void SetUp() override {
        fresh_pool::SetUp();
        synk::configure(quiet_with_limit(limit));
        given_back_before_ = synk::stats().given_back;
    }

    // As programs ask for: as many of each doubling.
    synk::bytes get_one() {
        const std::size_t most = page << random_.below(8);
        return synk::get_sized_pool().get_sized(random_.between(most / 2 + 1, most));
    }
    void fill(std::vector<synk::bytes>& held, std::size_t bytes) {
        while (lent() < bytes) held.push_back(get_one());
    }
    void put_some(std::vector<synk::bytes>& held, std::size_t count) {
        for (; count != 0; --count) {
            std::swap(held[random_.below(held.size())], held.back());
            held.pop_back();
        }
    }
    [[nodiscard]] std::uint64_t given_back() const { return synk::stats().given_back - given_back_before_; }

private:
    random_source random_ = seeded();
    std::uint64_t given_back_before_ = 0;
};

TEST_F(IdleBesideLent, ALiveSetThatIsRenewedStaysNearWhatIsLent) {
    constexpr std::size_t live = 3 * limit;
    std::vector<synk::bytes> held;
    fill(held, live);
    for (int i = 0; i < 20; ++i) {
        put_some(held, held.size() / 4);
        fill(held, live);
        const synk::statistics s = synk::stats();
        EXPECT_LE(s.idle, live / 1024 + 4 * largest) << "in round " << i; // what was kept unpaid, and the last
    }
    EXPECT_GT(given_back(), 0U) << "nothing had to be paid for";
}

TEST_F(IdleBesideLent, UpToHalfOfTheLimitNothingIsPaidFor) {
    std::vector<synk::bytes> held;
    fill(held, limit / 2 - largest);
    for (int i = 0; i < 20; ++i) {
        put_some(held, held.size() / 4);
        fill(held, limit / 2 - largest);
    }
    EXPECT_EQ(given_back(), 0U);
}

// A page is paid for with a large block, as nothing shorter lies idle; so are the next thousand pages, by the same one.
TEST_F(IdleBesideLent, WhatWasPaidTooMuchIsTakenOffWhatIsDueNext) {
    constexpr std::size_t large = 5 * mib;
    std::vector<synk::bytes> held, blocks;
    fill(held, 3 * limit);
    for (int i = 0; i < 2; ++i) blocks.push_back(synk::get_sized_pool().get_sized(large));
    synk::trim();
    std::thread([&] { blocks.clear(); }).join(); // by a thread that ends, so that they lie in nobody's cache
    ASSERT_EQ(synk::stats().idle, 2 * large);
    for (int i = 0; i < 200; ++i) held.push_back(synk::get_sized_pool().get_sized(page));
    EXPECT_EQ(synk::stats().idle_large, large);
}

// Nothing else is idle; the rest of each page is what the next gets want. (One may go: the room that the cache keeps
// for its blocks' return counts as idle, too.)
TEST_F(IdleBesideLent, HugePagesAreNotBrokenByWhatIsLentOfThem) {
    synk::options o = quiet_with_limit(limit);
    o.huge = synk::huge_pages::on;
    synk::configure(o);
    std::vector<synk::bytes> held;
    while (lent() < 4 * limit) {
        held.push_back(synk::get_sized_pool().get_sized(page));
        ASSERT_LE(synk::stats().idle, 2 * mib);
    }
    EXPECT_LE(given_back(), 2 * mib);
}

// As after a burst that was longer than idle_limit: of many chunks that are wholly free most have no memory.
TEST_F(IdleBesideLent, IdleMemoryIsLentBeforePagesWithoutMemoryHoweverManyThereAre) {
    constexpr std::size_t burst = 8 * limit;
    std::vector<synk::bytes> held;
    fill(held, burst);
    std::thread([&] { held.clear(); }).join(); // by a thread that ends, so that it lies in nobody's cache
    inside::shared_store::empty_channels();
    const synk::statistics before = synk::stats();
    ASSERT_GT(before.idle, limit / 2);
    ASSERT_GT(before.gone, burst / 2);
    while (lent() < before.idle / 2) held.push_back(synk::get_sized_pool().get_sized(page));
    EXPECT_EQ(synk::stats().gone, before.gone);
}

// Each chunk has a MiB that is idle and one without memory: who looks for resident pages only, in a few chunks, does
// not come by those that have lent theirs.
TEST_F(IdleBesideLent, ChunksThatHaveLentTheirIdlePagesAreInNobodysWay) {
    using inside::shared_store;
    constexpr unsigned cls = inside::class_of(mib), other = inside::class_of(2 * mib);
    synk::configure(quiet_with_limit(128 * mib));
    std::byte *first[24], *between[24];
    for (std::size_t i = 0; i < std::size(first); ++i) {
        ASSERT_EQ(shared_store::get_new(cls, &first[i], 1).count, 1U);
        ASSERT_EQ(shared_store::get(other, &between[i], 1).count, 1U);
    }
    const auto put_all = [](const auto& blocks, std::size_t bytes) {
        for (std::byte* const b : blocks) {
            ASSERT_TRUE(inside::budget.take(bytes));
            shared_store::put_pages(&b, 1);
        }
    };
    put_all(first, mib);
    for (std::byte*& b : first) ASSERT_EQ(shared_store::get_resident(cls, &b, 1).count, 1U);
    put_all(first, mib);
    put_all(between, 2 * mib);
}

// They want more idle memory than is allowed for; so they would pay for ever, each for what the last one put.
TEST_F(IdleBesideLent, GetsOfTheSameSizesAgainAndAgainComeToAnEndOfPaying) {
    std::vector<synk::bytes> held;
    fill(held, 3 * limit);
    std::vector<std::size_t> sizes;
    for (std::size_t n = largest; n >= 8 * kib; n -= n / 16) sizes.push_back(n);
    const auto get_and_put_each = [&] {
        for (const std::size_t n : sizes) static_cast<void>(synk::get_sized_pool().get_sized(n));
    };
    for (int i = 0; i < 1'000; ++i) get_and_put_each();
    const auto paid = given_back();
    for (int i = 0; i < 100; ++i) get_and_put_each();
    EXPECT_EQ(given_back(), paid);
    EXPECT_LE(synk::stats().idle, limit);
}

// A thread whose growth is due would else empty all caches at each of its gets: what it then finds is not new, and so
// does not end its being due.
TEST_F(IdleBesideLent, WhereItIsDueAThreadTakesPagesWithoutMemoryBeforeWhatOthersKeep) {
    constexpr unsigned long_due = 256;
    std::vector<synk::bytes> held;
    while (lent() < 3 * limit) held.push_back(synk::get_sized_pool().get_sized(mib));
    for (std::size_t i = 0; i < 4; ++i) held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    inside::shared_store::empty_channels();
    inside::shared_store::purge(4 * mib);
    worker other;
    other.run([] {
        std::vector<synk::bytes> mine;
        while (mine.size() < 64) mine.push_back(synk::get_sized_pool().get_sized(16 * kib));
    });
    const std::size_t kept = synk::stats().idle_cached, mapped_before = mapped();
    ASSERT_GE(kept, 256 * kib);
    inside::thread_caches::own()->evictions = long_due;
    ASSERT_TRUE(inside::growth::has_to_pay() && inside::growth::is_due());
    held.push_back(synk::get_sized_pool().get_sized(256 * kib));
    EXPECT_GE(synk::stats().idle_cached, kept);
    EXPECT_EQ(mapped(), mapped_before);
}

} // namespace
