// The quarantine: what was put is not got again before its time, within its bounds, and nothing stays in it for ever.
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "checks/tools.hpp"
#include "hardened/hardened_pool.hpp"
#include "support/child.hpp"
#include "support/effort.hpp"
#include "support/pattern.hpp"
#include "support/process_memory.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class Quarantine : public hardened_pool {
protected:
    void SetUp() override {
        hardened_pool::SetUp();
        synk::configure(hardened_options(0, mib));
    }
    // A place that had n bytes, and whose block was put.
    static const std::byte* put_one(std::size_t n) { return get(n).data(); }
};

TEST_F(Quarantine, DelaysReuseByItsBytes) {
    const std::byte* const first = put_one(page);
    for (std::size_t i = 1; i < mib / page; ++i) ASSERT_NE(put_one(page), first) << i;
    EXPECT_EQ(held(), mib);
    bool came_back = false;
    for (std::size_t i = 0; i < 2 * mib / page && !came_back; ++i) came_back = put_one(page) == first;
    EXPECT_TRUE(came_back) << "it lets nothing go";
    EXPECT_EQ(held(), mib);
}

TEST_F(Quarantine, KeepsItsBoundWithAllSizes) {
    for (const std::size_t n : boundary_sizes()) {
        put_one(n);
        EXPECT_LE(held(), mib) << n;
    }
    expect_accounts_balance();
}

TEST_F(Quarantine, TakesHalfOfTheIdleLimitAtMost) {
    synk::options o = hardened_options(0, 16 * mib);
    o.idle_limit = 4 * mib;
    synk::configure(o);
    for (int i = 0; i < 3000; ++i) {
        put_one(page + static_cast<std::size_t>(i) * 10);
        ASSERT_LE(held(), 2 * mib);
        ASSERT_LE(synk::stats().idle, 4 * mib);
    }
    o.idle_limit = 0;
    synk::configure(o);
    EXPECT_EQ(synk::stats().idle, 0U);
    put_one(page);
    EXPECT_EQ(synk::stats().idle, 0U);
}

TEST_F(Quarantine, IsEmptiedByTrim) {
    for (int i = 0; i < 100; ++i) put_one(page);
    EXPECT_EQ(held(), 100 * page);
    const std::size_t idle = synk::stats().idle; // the cache has some too
    EXPECT_EQ(synk::trim(), idle);
    EXPECT_EQ(synk::stats().idle, 0U);
}

TEST_F(Quarantine, ShrinksAndEndsWithTheOptions) {
    for (std::size_t i = 0; i < mib / page; ++i) put_one(page);
    synk::configure(hardened_options(0, 64 * kib));
    EXPECT_EQ(held(), 64 * kib);
    synk::configure(quiet());
    EXPECT_EQ(held(), 0U);
    const std::byte* const place = put_one(page);
    EXPECT_EQ(put_one(page), place) << "a hit again";
}

TEST_F(Quarantine, IsLeftAfterAWhileOfSilence) {
    synk::options o = hardened_options(0, mib);
    o.weak_after = std::chrono::milliseconds(20);
    o.gone_after = std::chrono::milliseconds(40);
    synk::configure(o);
    for (int i = 0; i < 100; ++i) put_one(page);
    EXPECT_EQ(held(), 100 * page);
    EXPECT_TRUE(comes_true([] {
        synk::maintain();
        return synk::stats().idle == 0;
    }));
}

TEST_F(Quarantine, IsLeftWithNoCallAtAll) {
    EXPECT_TRUE(ends_well(in_child([] {
        synk::options o = hardened_options(0, 8 * mib);
        o.weak_after = std::chrono::milliseconds(20);
        o.gone_after = std::chrono::milliseconds(40);
        o.keeper = true;
        synk::configure(o);
        for (int i = 0; i < 1000; ++i) put_one(page);
        require(held() != 0, "it lies in quarantine first");
        require(comes_true([] { return synk::stats().idle == 0; }), "the keeper gives it back");
    })));
}

TEST_F(Quarantine, LeavesNoContents) {
    synk::options o = hardened_options(0, mib);
    o.clear_on_put = true;
    synk::configure(o);
    synk::bytes b = get(page);
    const std::byte* const place = b.data();
    fill(b, 1);
    b.reset();
    std::vector<synk::bytes> others;
    while (!b && others.size() < 2000) {
        others.push_back(get(page));
        if (others.size() % 2 == 0) put_one(page);
        if (others.back().data() == place) b = std::move(others.back());
        if (others.size() == 100) synk::trim(512 * kib); // makes it leave
    }
    ASSERT_TRUE(b) << "the block has gone elsewhere: look there";
    EXPECT_TRUE(all_zero(b));
}

TEST_F(Quarantine, FindsAWriteOfABitAnywhere) {
    if (inside::tools::active()) GTEST_SKIP() << "the tool reports the write itself";
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, page - 1, page, 2 * page - 1}) {
        synk::bytes b = get(2 * page);
        std::byte* const place = b.data();
        b.reset();
        EXPECT_TRUE(dies_naming(place, "was written after that", [=] {
            place[at] ^= std::byte{1};
            synk::trim();
        })) << at;
        synk::trim();
    }
}

TEST_F(Quarantine, LosesAndMixesNothingAmongThreads) {
    synk::configure(hardened_options(7, mib));
    run_threads(4, [](unsigned number) {
        std::vector<synk::bytes> mine(20);
        for (std::size_t i = 0; i < effort(4000); ++i) {
            synk::bytes& b = mine[i % mine.size()];
            if (b) {
                EXPECT_EQ(first_broken(b, number * 1000 + i % mine.size()), intact);
            }
            b = get(1 + i * 7919 % (100 * kib));
            fill(b, number * 1000 + i % mine.size());
            if (i % 500 == number) synk::trim();
        }
    });
    EXPECT_EQ(lent(), 0U);
    EXPECT_LE(held(), mib);
    expect_accounts_balance();
}

TEST_F(Quarantine, StaysInBothProcessesAfterAFork) {
    for (int i = 0; i < 100; ++i) put_one(page);
    EXPECT_TRUE(ends_well(in_child([] {
        require(held() == 100 * page, "the child has its copy");
        synk::trim();
        require(synk::stats().idle == 0, "and can give it back");
    })));
    EXPECT_EQ(held(), 100 * page);
}

} // namespace
