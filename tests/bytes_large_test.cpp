// <synk/bytes.hpp>: how a block of more than 4 MiB grows.
#include <synk/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <thread>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/handles.hpp"
#include "support/pattern.hpp"
#include "support/system_that_refuses.hpp"

namespace {

using namespace synk_test;

class LargeBytes : public handles_of_a_fresh_pool {};

// By page tables: there is no second block that goes back idle.
TEST_F(LargeBytes, AreMovedWithoutCopyingThem) {
    synk::bytes b = filled(6 * mib, 1);
    const std::size_t idle = synk::stats().idle;
    b.append("more");
    EXPECT_GE(b.capacity(), 12 * mib);
    EXPECT_EQ(synk::stats().idle, idle);
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    EXPECT_EQ(std::memcmp(b.data() + 6 * mib, "more", 4), 0);
}

// Where the kernel refuses to move page tables the contents are copied.
TEST_F(LargeBytes, GrowWithoutTheKernelsHelp) {
    synk::bytes b = filled(6 * mib, 1);
    {
        const system_that_refuses system({.remap = true});
        b.resize(20 * mib);
        EXPECT_GT(system.count(), 0U);
    }
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    EXPECT_EQ(lent(), b.capacity());
}

TEST_F(LargeBytes, GrowAtBothTheirOldAndANewPlace) {
    for (const std::size_t to : {7 * mib, 8 * mib, 13 * mib, 80 * mib}) {
        synk::bytes b = filled(6 * mib, 1);
        b.resize(to);
        ASSERT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact) << to;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % inside::chunk_size, 0U);
        fill(whole(b), 2); // all of it is there
        EXPECT_EQ(lent(), b.capacity());
    }
}

// What is new would have to be touched, which takes longer than to copy.
TEST_F(LargeBytes, GrowIntoAnIdleBlockRatherThanIntoNewMemory) {
    synk::bytes longer = get(20 * mib);
    synk::bytes b = filled(6 * mib, 1);
    const std::byte* const place = longer.data();
    longer.reset();
    const std::size_t before = mapped();
    b.resize(18 * mib);
    EXPECT_EQ(b.data(), place);
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    EXPECT_EQ(mapped(), before);
    EXPECT_EQ(lent(), b.capacity());
    EXPECT_EQ(synk::stats().idle, 6 * mib) << "the block that was too short";
}

TEST_F(LargeBytes, GrowIntoAnIdleBlockThatAnotherThreadPut) {
    synk::bytes b = filled(6 * mib, 1);
    std::thread([] { static_cast<void>(get(20 * mib)); }).join();
    const std::size_t before = mapped();
    b.resize(18 * mib);
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    EXPECT_EQ(mapped(), before);
}

// As of a buffer that grows by a little again and again: each byte would be copied many times.
TEST_F(LargeBytes, AreNotCopiedForAnIdleBlockThatIsHardlyLonger) {
    synk::bytes longer = get(24 * mib);
    synk::bytes b = filled(20 * mib, 1);
    longer.reset();
    const std::size_t before = mapped();
    b.resize(b.capacity() + 1);
    EXPECT_GT(mapped(), before);
    EXPECT_EQ(synk::stats().idle, 24 * mib) << "it lies there as before";
    EXPECT_EQ(first_broken(std::span(b).first(20 * mib), 1), intact);
}

// By a little each time, a buffer soon comes to be in the long block that it was in the last time.
TEST_F(LargeBytes, GrowByALittleWithoutNewMemory) {
    for (int round = 0; round < 3; ++round) {
        const std::size_t before = mapped();
        synk::bytes b = filled(5 * mib, 1);
        for (std::size_t n = 6 * mib; n <= 20 * mib; n += mib) b.resize(n);
        EXPECT_EQ(first_broken(std::span(b).first(5 * mib), 1), intact);
        EXPECT_TRUE(round == 0 || mapped() <= before + 8 * mib) << round;
    }
}

TEST_F(LargeBytes, AreZeroBehindWhatTheyHadWhereThatIsPromised) {
    synk::options o = quiet();
    o.zero_on_get = true;
    synk::configure(o);
    synk::bytes longer = filled(20 * mib, 2);
    synk::bytes b = filled(6 * mib, 1);
    longer.reset();
    b.resize(20 * mib);
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    EXPECT_TRUE(std::all_of(b.begin() + 6 * mib, b.end(), [](std::byte x) { return x == std::byte{}; }));
}

} // namespace
