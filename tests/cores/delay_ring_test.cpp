// The ring of the quarantine: first in, first out, and each item comes out once.
#include "hardened/delay_ring.hpp"

#include <atomic>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/threads.hpp"

namespace {

using synk::detail::delay_ring;

class DelayRing : public testing::Test {
protected:
    const std::unique_ptr<delay_ring> ring = std::make_unique<delay_ring>();
    std::uint64_t pop() { return ring->pop(ring->head()); }
    void expect_empty() {
        EXPECT_EQ(pop(), 0U);
        ring->sweep([](std::uint64_t item) { ADD_FAILURE() << item << " is still there"; });
    }
};

TEST_F(DelayRing, IsEmptyAtFirst) { expect_empty(); }

TEST_F(DelayRing, GivesFirstWhatCameFirst) {
    for (std::uint64_t i = 1; i <= 100; ++i) EXPECT_EQ(ring->push(i), 0U);
    for (std::uint64_t i = 1; i <= 100; ++i) EXPECT_EQ(pop(), i);
    expect_empty();
}

TEST_F(DelayRing, GivesNothingThatCameLater) {
    EXPECT_EQ(ring->push(1), 0U);
    const std::uint64_t end = ring->head();
    EXPECT_EQ(ring->push(2), 0U);
    EXPECT_EQ(ring->pop(end), 1U);
    EXPECT_EQ(ring->pop(end), 0U);
    EXPECT_EQ(pop(), 2U);
}

TEST_F(DelayRing, MakesWayForNewItemsWhenItIsFull) {
    for (std::uint64_t i = 1; i <= delay_ring::slots; ++i) ASSERT_EQ(ring->push(i), 0U);
    for (std::uint64_t i = 1; i <= 10; ++i) EXPECT_EQ(ring->push(delay_ring::slots + i), i);
    for (std::uint64_t i = 11; i <= delay_ring::slots + 10; ++i) ASSERT_EQ(pop(), i);
    expect_empty();
}

TEST_F(DelayRing, IsSweptEmpty) {
    for (std::uint64_t i = 1; i <= 100; ++i) EXPECT_EQ(ring->push(i), 0U);
    std::uint64_t sum = 0;
    ring->sweep([&sum](std::uint64_t item) { sum += item; });
    EXPECT_EQ(sum, 5050U);
    expect_empty();
}

TEST_F(DelayRing, GivesEachItemOnceAmongThreads) {
    constexpr unsigned threads = 4;
    const std::size_t each = synk_test::effort(100'000);
    std::vector<std::atomic<unsigned char>> seen(threads * each + 1);
    const auto count = [&seen](std::uint64_t item) {
        if (item != 0) ++seen[item];
    };
    synk_test::run_threads(threads, [&](unsigned number) {
        for (std::size_t i = 0; i < each; ++i) {
            count(ring->push(number * each + i + 1));
            if (i % 3 != 0) count(pop());
            if (i % 10'000 == number) ring->sweep(count);
        }
    });
    ring->sweep(count);
    for (std::size_t i = 1; i < seen.size(); ++i) ASSERT_EQ(seen[i], 1U) << i;
    expect_empty();
}

} // namespace
