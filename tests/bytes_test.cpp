// <synk/bytes.hpp>: what its manual says, sentence by sentence.
// ctest-program: own, as it uses the pool before main
#include <synk/bytes.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "support/fresh_pool.hpp"
#include "support/handles.hpp"
#include "support/pattern.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

static_assert(!std::is_copy_constructible_v<synk::bytes> && !std::is_copy_assignable_v<synk::bytes>);
static_assert(std::is_nothrow_move_constructible_v<synk::bytes> && std::is_nothrow_move_assignable_v<synk::bytes>);
static_assert(std::is_nothrow_default_constructible_v<synk::bytes> && std::is_nothrow_swappable_v<synk::bytes>);
static_assert(std::is_convertible_v<synk::bytes&, std::span<std::byte>>);
static_assert(std::is_convertible_v<const synk::bytes&, std::span<const std::byte>>);
static_assert(!std::is_convertible_v<const synk::bytes&, std::span<std::byte>>);
static_assert(!std::is_convertible_v<synk::bytes, bool>, "only `if (b)`");

class Bytes : public handles_of_a_fresh_pool {};

// Every member may be called on an empty handle, and what grows gets a block.
void expect_usable(synk::bytes& b) {
    b.clear();
    b.reset();
    b.resize(0);
    b.reserve(0);
    b.append(std::span<const std::byte>());
    EXPECT_EQ(b.release(), nullptr);
    expect_empty_handle(b);
    b.append("four");
    EXPECT_EQ(b.size(), 4U);
    EXPECT_GE(b.capacity(), 4U);
    EXPECT_EQ(b[3], std::byte{'r'});
}

TEST_F(Bytes, BeginsEmptyAndUsable) {
    synk::bytes b;
    expect_empty_handle(b);
    expect_usable(b);
    synk::bytes reserved;
    reserved.reserve(10'000);
    EXPECT_GE(reserved.capacity(), 10'000U);
    EXPECT_EQ(reserved.size(), 0U);
    synk::bytes resized;
    resized.resize(10'000);
    EXPECT_EQ(resized.size(), 10'000U);
}

TEST_F(Bytes, AMovedFromHandleIsEmptyAndUsable) {
    synk::bytes from = filled(5'000, 1);
    const std::byte* const data = from.data();
    synk::bytes to(std::move(from));
    expect_empty_handle(from); // NOLINT(bugprone-use-after-move): the state after a move is documented
    EXPECT_EQ(to.data(), data);
    EXPECT_EQ(to.size(), 5'000U);
    EXPECT_EQ(first_broken(to, 1), intact);
    expect_usable(from);
}

TEST_F(Bytes, AnAssignedHandlePutsItsOldBlock) {
    synk::bytes a = filled(5'000, 1);
    synk::bytes b = filled(100'000, 2);
    const std::size_t of_b = b.capacity();
    a = std::move(b);
    expect_empty_handle(b); // NOLINT(bugprone-use-after-move): as above
    EXPECT_EQ(a.size(), 100'000U);
    EXPECT_EQ(first_broken(a, 2), intact);
    EXPECT_EQ(lent(), of_b);
    a = {};
    EXPECT_EQ(lent(), 0U);
}

TEST_F(Bytes, ASelfMoveChangesNothing) {
    synk::bytes b = filled(5'000, 1);
    synk::bytes& same = b;
    b = std::move(same);
    EXPECT_EQ(b.size(), 5'000U);
    EXPECT_EQ(first_broken(b, 1), intact);
    swap(b, same);
    EXPECT_EQ(first_broken(b, 1), intact);
}

TEST_F(Bytes, SwapsSizesAndBlocks) {
    synk::bytes a = filled(5'000, 1);
    synk::bytes b = filled(100'000, 2);
    swap(a, b);
    EXPECT_EQ(a.size(), 100'000U);
    EXPECT_EQ(first_broken(a, 2), intact);
    a.swap(b);
    EXPECT_EQ(a.size(), 5'000U);
    EXPECT_EQ(first_broken(b, 2), intact);
}

TEST_F(Bytes, IsPutBackWhenItDiesIsResetOrAssignedTo) {
    std::optional<synk::bytes> dies(get(20'000));
    EXPECT_EQ(lent(), dies->capacity());
    dies.reset();
    EXPECT_EQ(lent(), 0U);
    synk::bytes b = get(20'000);
    b.reset();
    expect_empty_handle(b);
    EXPECT_EQ(lent(), 0U);
    b.reset();
    expect_empty_handle(b);
}

TEST_F(Bytes, LooksLikeARange) {
    synk::bytes b = filled(100, 1);
    EXPECT_EQ(b.begin(), b.data());
    EXPECT_EQ(b.end() - b.begin(), 100);
    b[7] = std::byte{42};
    EXPECT_EQ(*(b.begin() + 7), std::byte{42});
    const synk::bytes& constant = b;
    EXPECT_EQ(constant[7], std::byte{42});
    EXPECT_EQ(constant.data(), b.data());
    EXPECT_EQ(constant.end() - constant.begin(), 100);
    const std::span<std::byte> span = b;
    EXPECT_EQ(span.data(), b.data());
    EXPECT_EQ(span.size(), b.size());
    EXPECT_FALSE(b.empty());
    EXPECT_TRUE(b);
}

TEST_F(Bytes, AnEmptyBufferIsNoEmptyHandle) {
    synk::bytes b = get(100);
    const std::byte* const data = b.data();
    b.clear();
    EXPECT_TRUE(b.empty());
    EXPECT_TRUE(b) << "it still owns its block";
    EXPECT_EQ(b.data(), data);
    EXPECT_GE(b.capacity(), 100U);
}

TEST_F(Bytes, StandsOnAPageWhateverItsSize) {
    for (const std::size_t n : boundary_sizes()) {
        const synk::bytes b = get(n);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % page, 0U) << n;
        EXPECT_EQ(b.capacity() % page, 0U) << n;
    }
}

TEST_F(Bytes, ReserveKeepsSizeAndContents) {
    for (const std::size_t n : boundary_sizes()) {
        synk::bytes b = filled(3'000, 1);
        b.reserve(n);
        EXPECT_GE(b.capacity(), n);
        ASSERT_EQ(b.size(), 3'000U);
        EXPECT_EQ(first_broken(b, 1), intact) << n;
    }
}

TEST_F(Bytes, TryReserveDoesTheSame) {
    synk::bytes b = filled(5000, 1);
    for (const std::size_t n : {std::size_t{0}, page, 100 * kib, 5 * mib, 20 * mib}) {
        ASSERT_TRUE(b.try_reserve(n)) << n;
        EXPECT_GE(b.capacity(), n);
        ASSERT_EQ(b.size(), 5000U);
        EXPECT_EQ(first_broken(b, 1), intact);
    }
    EXPECT_EQ(lent(), b.capacity());
    static_assert(noexcept(b.try_reserve(1)));
}

TEST_F(Bytes, ReserveOfLessThanTheCapacityDoesNothing) {
    synk::bytes b = filled(3'000, 1);
    const std::byte* const data = b.data();
    const std::size_t capacity = b.capacity();
    b.reserve(0);
    b.reserve(capacity);
    EXPECT_EQ(b.data(), data);
    EXPECT_EQ(b.capacity(), capacity);
    b.reserve(capacity + 1);
    EXPECT_GT(b.capacity(), capacity);
}

TEST_F(Bytes, ResizeSetsTheSizeAndKeepsTheContents) {
    synk::bytes b = filled(3'000, 1);
    const std::byte* const data = b.data();
    b.resize(100);
    EXPECT_EQ(b.size(), 100U);
    b.resize(3'000);
    EXPECT_EQ(b.data(), data);
    EXPECT_EQ(first_broken(b, 1), intact);
    b.resize(0);
    EXPECT_TRUE(b.empty());
    EXPECT_TRUE(b);
}

// Through all tiers and on into large blocks, each time one byte too long for what there is.
TEST_F(Bytes, GrowthKeepsTheContentsThroughAllTiersAndAcross4MiB) {
    synk::bytes b = filled(page, page);
    while (b.capacity() < 40 * mib) {
        const std::size_t before = b.capacity();
        b.resize(before + 1);
        ASSERT_GT(b.capacity(), before);
        ASSERT_EQ(b.size(), before + 1);
        b.resize(before);
        ASSERT_EQ(first_broken(b, before), intact) << "growing from " << before;
        EXPECT_EQ(lent(), b.capacity()) << "the old block was not put back";
        b.resize(b.capacity());
        fill(b, b.capacity());
    }
}

TEST_F(Bytes, AppendAddsBehindTheLastByte) {
    synk::bytes b;
    const std::array<std::byte, 3> three{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    b.append(three);
    b.append("def");
    b.append(std::string_view());
    ASSERT_EQ(b.size(), 6U);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(b.data()), b.size()), "abcdef");
}

TEST_F(Bytes, AppendFillsTheBlockBeforeItGrows) {
    synk::bytes b = get(page);
    b.resize(page - 3);
    const std::byte* const data = b.data();
    b.append("abc");
    EXPECT_EQ(b.data(), data);
    b.append("d");
    EXPECT_GE(b.capacity(), 2 * page);
}

TEST_F(Bytes, AppendsCopyLinearlyMany) {
    synk::bytes b;
    std::array<std::byte, 1000> more{};
    std::size_t growths = 0;
    for (std::size_t i = 0; i < 8'000; ++i) {
        const std::size_t before = b.capacity();
        fill(more, i);
        b.append(more);
        if (b.capacity() == before) continue;
        ++growths;
        EXPECT_GE(b.capacity(), 2 * before) << "it at least doubles";
    }
    EXPECT_LE(growths, 13U); // 4 KiB doubled up to 8 MiB
    for (std::size_t i = 0; i < 8'000; ++i)
        ASSERT_EQ(first_broken(std::span(b).subspan(i * more.size(), more.size()), i), intact) << i;
}

TEST_F(Bytes, AppendTakesAPartOfItselfAcrossGrowth) {
    for (const std::size_t n : {page, 64 * kib, 4 * mib, 6 * mib}) {
        synk::bytes b = filled(n, n);
        b.append(std::span<const std::byte>(b).subspan(8, n - 8)); // grows: the block is full
        ASSERT_EQ(b.size(), 2 * n - 8);
        EXPECT_EQ(first_broken(std::span(b).first(n), n), intact);
        EXPECT_EQ(std::memcmp(b.data() + n, b.data() + 8, n - 8), 0);
    }
}

TEST_F(Bytes, AppendTakesAllOfItselfWithoutGrowth) {
    synk::bytes b = filled(64, 1);
    b.append(std::span<const std::byte>(b));
    ASSERT_EQ(b.size(), 128U);
    EXPECT_EQ(first_broken(std::span(b).first(64), 1), intact);
    EXPECT_EQ(first_broken(std::span(b).last(64), 1), intact);
}

// What lies behind size() in the same block is carried along, too.
TEST_F(Bytes, AppendTakesWhatLiesBehindItsEnd) {
    for (const std::size_t n : {page, 6 * mib}) {
        synk::bytes b = filled(n, n);
        b.resize(n - 100);
        std::array<std::byte, 200> more; // half of it behind the end
        std::memcpy(more.data(), b.data() + n - more.size(), more.size());
        b.append(std::span<const std::byte>(b.data() + n - more.size(), more.size()));
        ASSERT_EQ(b.size(), n + 100);
        EXPECT_EQ(first_broken(std::span(b).first(n - 100), n), intact);
        EXPECT_EQ(std::memcmp(b.data() + n - 100, more.data(), more.size()), 0);
    }
}

// The range and its place overlap.
TEST_F(Bytes, AppendTakesARangeAcrossItsEndWithoutGrowth) {
    synk::bytes b = filled(page, 1);
    const std::vector<std::byte> before(b.begin(), b.end());
    b.resize(1000);
    b.append(std::span<const std::byte>(b.data() + 500, 1500));
    ASSERT_EQ(b.size(), 2500U);
    EXPECT_EQ(std::memcmp(b.data(), before.data(), 1000), 0);
    EXPECT_EQ(std::memcmp(b.data() + 1000, before.data() + 500, 1500), 0);
}

TEST_F(Bytes, WhatCannotExistIsALengthErrorAndChangesNothing) {
    for (const std::size_t n : {page, 5 * mib}) {
        synk::bytes b = filled(n, 1);
        const std::byte* const data = b.data();
        EXPECT_THROW(b.reserve(inside::max_block_size + 1), std::length_error);
        EXPECT_THROW(b.resize(~std::size_t{0}), std::length_error);
        EXPECT_FALSE(b.try_reserve(~std::size_t{0}));
        EXPECT_THROW(b.append(std::span<const std::byte>(b.data(), ~std::size_t{0} - n)), std::length_error);
        EXPECT_EQ(b.data(), data);
        ASSERT_EQ(b.size(), n);
        EXPECT_EQ(first_broken(b, 1), intact);
    }
}

TEST_F(Bytes, NoMemoryIsBadAllocAndChangesNothing) {
    for (const std::size_t n : {page, 5 * mib}) {
        synk::bytes b = filled(n, 1);
        const std::byte* const data = b.data();
        {
            const system_that_refuses system({.map = true, .remap = true});
            EXPECT_THROW(b.reserve(100 * mib), std::bad_alloc);
            EXPECT_THROW(b.resize(100 * mib), std::bad_alloc);
            EXPECT_THROW(b.append(std::span<const std::byte>(b.data(), 100 * mib)), std::bad_alloc); // never read
            EXPECT_FALSE(b.try_reserve(100 * mib));
        }
        EXPECT_EQ(b.data(), data);
        ASSERT_EQ(b.size(), n);
        EXPECT_EQ(first_broken(b, 1), intact);
    }
}

// A handle that has more than half of what there is.
TEST_F(Bytes, AppendGrowsByWhatIsNeededWhereThereIsNoMemoryForTwiceAsMuch) {
    synk::bytes b = get(0);
    b.resize(20 * mib);
    b.resize(b.capacity());
    fill(b, 1);
    const std::size_t full = b.size();
    {
        const system_that_refuses system({.map = true, .remap = true, .least = 30 * mib});
        b.append("more");
        EXPECT_GT(system.count(), 0U);
    }
    ASSERT_EQ(b.size(), full + 4);
    EXPECT_LT(b.capacity(), 30 * mib);
    EXPECT_GT(b.capacity(), full + mib) << "or the next one would grow again";
    EXPECT_EQ(first_broken(std::span(b).first(full), 1), intact);
    EXPECT_EQ(std::memcmp(b.data() + full, "more", 4), 0);
}

// Lives until after main, was got before it: the pool must be there at both ends.
const synk::bytes of_static_life = synk::get_sized_pool().get_sized(10'000);

TEST_F(Bytes, IsThereBeforeMain) {
    EXPECT_EQ(of_static_life.size(), 10'000U);
    EXPECT_TRUE(of_static_life);
}

} // namespace
