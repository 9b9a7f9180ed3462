// <synk/bytes.hpp>: the way to a bare pointer and back, and what is no way back.
#include <synk/bytes.hpp>
#include <synk/synk.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "support/fresh_pool.hpp"
#include "support/handles.hpp"
#include "support/pattern.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class BareBytes : public handles_of_a_fresh_pool {};

class BareBytesDeathTest : public BareBytes {};

TEST_F(BareBytesDeathTest, ALargeBlockThatMovedIsNoLongerAtItsOldAddress) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    synk::bytes b = filled(6 * mib, 1);
    void* const old = b.data();
    // A wall behind the block, unless something stands there already: it cannot grow in place.
    void* const behind = b.data() + b.capacity();
    ::mmap(behind, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    b.resize(64 * mib);
    ASSERT_NE(b.data(), old);
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(old)), "not a block of this pool");
}

TEST_F(BareBytes, ReleaseGivesTheBlockOutOfItsHandsAndAdoptTakesItBack) {
    for (const std::size_t n : {std::size_t{0}, page, 300 * kib, 5 * mib}) {
        synk::bytes b = get(n);
        fill(whole(b), n + 1);
        const std::size_t capacity = b.capacity();
        std::byte* const p = b.release();
        expect_empty_handle(b);
        EXPECT_EQ(lent(), capacity) << "nobody put it";
        synk::bytes again = synk::bytes::adopt(p);
        EXPECT_EQ(again.data(), p);
        EXPECT_EQ(again.capacity(), capacity);
        EXPECT_EQ(again.size(), capacity) << "its size is the whole capacity";
        EXPECT_EQ(first_broken(again, n + 1), intact);
    }
    expect_empty_handle(synk::bytes::adopt(nullptr));
}

TEST_F(BareBytesDeathTest, WhatCannotBeAdoptedIsSaidOfTheAdopting) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    synk::bytes b = get(page);
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(b.data())), "adopt of .*not lent as a bare pointer");
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(b.data() + 1)), "adopt of .*points 1 bytes into");
}

// By page tables: there is no second block that goes back idle.
TEST_F(BareBytes, ALargeBlockIsResizedWithoutCopyingIt) {
    auto* p = static_cast<std::byte*>(synk_get(6 * mib));
    fill(std::span(p, 6 * mib), 1);
    const std::size_t idle = synk::stats().idle;
    p = static_cast<std::byte*>(synk_resize(p, 20 * mib));
    EXPECT_GE(synk_capacity(p), 20 * mib);
    EXPECT_EQ(synk::stats().idle, idle);
    p = static_cast<std::byte*>(synk_resize(p, 5 * mib));
    EXPECT_LT(synk_capacity(p), 6 * mib);
    EXPECT_EQ(first_broken(std::span(p, 5 * mib), 1), intact);
    synk_put(p);
    EXPECT_EQ(lent(), 0U);
}

TEST_F(BareBytes, WhatIsReleasedComesBackByDeallocateToo) {
    void* const p = get(50'000).release();
    synk::get_sized_pool().deallocate(p, 50'000);
    EXPECT_EQ(lent(), 0U);
    void* const q = synk::get_sized_pool().allocate(50'000);
    EXPECT_GE(synk::bytes::adopt(q).capacity(), 50'000U);
    EXPECT_EQ(lent(), 0U);
}

// Far from the first block: the system is made to map below what is reserved here.
TEST_F(BareBytesDeathTest, BlocksThatLieFarFromEachOther) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    constexpr std::size_t reserved = 200 * gib;
    const synk::bytes first = get(page);
    void* const wall = ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (wall == MAP_FAILED) GTEST_SKIP() << "no 200 GiB of addresses";
    const auto is_far = [&](const void* p) {
        const auto at = reinterpret_cast<std::uintptr_t>(p), of_first = reinterpret_cast<std::uintptr_t>(first.data());
        return (at < of_first ? of_first - at : at - of_first) > reserved / 2;
    };
    for (const std::size_t n : {page, 4 * mib, 5 * mib}) {
        std::vector<synk::bytes> others;
        do others.push_back(get(n));
        while (!is_far(others.back().data()) && others.size() < 8'000);
        ASSERT_TRUE(is_far(others.back().data())) << "there is room elsewhere";
        for (int round = 0; round < 2; ++round) { // the second time from a cache
            void* const p = round == 0 ? others.back().release() : synk::get_sized_pool().allocate(n);
            EXPECT_TRUE(is_far(p));
            std::memset(p, round, n);
            synk::get_sized_pool().deallocate(p, n);
            EXPECT_DEATH(synk::get_sized_pool().deallocate(p, n), "put a second time");
        }
    }
    ::munmap(wall, reserved);
}

TEST_F(BareBytes, GoesRoundBetweenThreads) {
    worker one;
    worker other;
    for (const std::size_t n : {page, 300 * kib, 5 * mib}) {
        void* p = nullptr;
        one.run([&] {
            synk::bytes b = get(n);
            fill(whole(b), n);
            p = b.release();
        });
        other.run([&] {
            synk::bytes b = synk::bytes::adopt(p);
            EXPECT_EQ(first_broken(b, n), intact);
            b.resize(b.capacity() + 1);
            p = b.release();
        });
        one.run([&] { EXPECT_GT(synk::bytes::adopt(p).capacity(), n); });
    }
    EXPECT_EQ(lent(), 0U);
}

TEST_F(BareBytesDeathTest, AdoptTakesNothingElse) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    synk::bytes b = get(50'000);
    std::byte foreign{};
    std::byte* const handled = b.data();
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(&foreign)), "not a block of this pool");
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(handled)), "not lent as a bare pointer");
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(handled + 100)), "points 100 bytes into the block");
    synk::bytes large = get(5 * mib);
    std::byte* const p = large.data();
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(p)), "not lent as a bare pointer");
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(p + 5 * mib - 1)), "bytes into the block");
}

TEST_F(BareBytesDeathTest, AnAdoptedBlockIsNotAdoptedTwice) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    std::byte* const p = get(50'000).release();
    const synk::bytes b = synk::bytes::adopt(p);
    EXPECT_DEATH(static_cast<void>(synk::bytes::adopt(p)), "not lent as a bare pointer");
}

} // namespace
