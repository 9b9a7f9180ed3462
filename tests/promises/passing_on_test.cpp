// What threads pass on to each other lies in channels that all classes of a tier share, and everybody may take pieces
// from: what is passed on now is at hand, whatever was passed on before, and only what has to is taken apart.
#include <cstddef>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "channel/channels.hpp"
#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class PassingOn : public fresh_pool {
protected:
    static std::vector<synk::bytes> get(std::size_t n, std::size_t count) {
        inside::this_thread_start.sizes.serve_few_lengths(false); // it is about blocks of this length
        std::vector<synk::bytes> blocks;
        while (blocks.size() < count) blocks.push_back(synk::get_sized_pool().get_sized(n));
        return blocks;
    }
    // A thread's cache goes to the channels when it ends, the blocks of a class all at once.
    static void pass_on(std::size_t n, std::size_t count) {
        std::thread([=] { get(n, count).clear(); }).join();
    }
    static std::size_t in_channel(std::size_t n) {
        const unsigned cls = inside::class_of(n);
        return inside::channel_of(cls).size(inside::kind_of(cls));
    }
};

// The channel of a tier was full of one class when another one came: each has half of it then.
TEST_F(PassingOn, BlocksOfAnotherClassMakeWay) {
    pass_on(20 * kib, 40);
    ASSERT_EQ(in_channel(20 * kib), 32U);
    pass_on(32 * kib, 40);
    EXPECT_EQ(in_channel(20 * kib), 16U);
    EXPECT_EQ(in_channel(32 * kib), 16U);
}

// But not those of a class that has no more than its share: two that are passed on in turn leave each other alone.
TEST_F(PassingOn, BlocksOfARarerClassStay) {
    pass_on(20 * kib, 12);
    pass_on(32 * kib, 60);
    EXPECT_EQ(in_channel(20 * kib), 12U);
    EXPECT_EQ(in_channel(32 * kib), 20U);
}

// What has to make way is idle all the same, and nothing of it is lost.
TEST_F(PassingOn, WhatMakesWayBecomesFreePages) {
    pass_on(20 * kib, 32);
    pass_on(32 * kib, 32);
    EXPECT_EQ(synk::stats().idle, 32 * (20 + 32) * kib);
    const std::size_t mapped_before = mapped();
    const std::vector<synk::bytes> again = get(20 * kib, 32), and_these = get(32 * kib, 32);
    EXPECT_EQ(mapped(), mapped_before);
}

// Or the others would get new memory while a thread that has no use for it holds as much as may lie idle.
TEST_F(PassingOn, WhoPutsMoreThanHeGetsKeepsLittle) {
    synk::configure(quiet_with_limit(128 * mib));
    std::vector<synk::bytes> of_others;
    std::thread([&of_others] { of_others = get(32 * kib, 2000); }).join();
    worker other; // goes on with that one's cache
    other.run([&of_others] {
        for (synk::bytes& b : of_others) {
            static_cast<void>(get(32 * kib, 1));
            b.reset();
        }
    });
    EXPECT_LE(synk::stats().idle_cached, mib);
}

// Nor does it help it that it had a use for it before.
TEST_F(PassingOn, WhoPutsWhatOthersGetKeepsLittleWhateverHeDidBefore) {
    synk::configure(quiet_with_limit(128 * mib));
    std::vector<synk::bytes> of_others = get(256 * kib, 200);
    worker other;
    other.run([&of_others] {
        for (int i = 0; i < 1000; ++i) static_cast<void>(get(256 * kib, 1));
        for (synk::bytes& b : of_others) b.reset();
    });
    EXPECT_LE(synk::stats().idle_cached, mib);
}

TEST_F(PassingOn, WhoGotALotSomeTimeAgoKeepsLittleOfWhatHePutsNow) {
    synk::configure(quiet_with_limit(128 * mib));
    std::vector<synk::bytes> first = get(32 * kib, 1000), then;
    worker other;
    other.run([&then] { then = get(32 * kib, 1000); });
    inside::thread_caches::age();
    other.run([&first] { first.clear(); });
    EXPECT_LE(synk::stats().idle_cached, mib);
}

// A block that is made whole out of what lies in a channel costs nobody what he has close at hand, and no other
// channel what is too short to help.
TEST_F(PassingOn, AWholeIsMadeOfTheLongestPiecesAlone) {
    pass_on(2 * mib, 2);
    ASSERT_EQ(mapped(), inside::chunk_size);
    ASSERT_EQ(in_channel(2 * mib), 2U);
    std::vector<synk::bytes> halves = get(2 * mib, 2); // or what follows would be cut out of them
    worker other;
    other.run([] { static_cast<void>(get(64 * kib, 1)); });
    pass_on(8 * kib, 5);
    std::thread([&halves] { halves.clear(); }).join();
    ASSERT_EQ(in_channel(2 * mib), 2U);
    const std::size_t mapped_before = mapped(), small = in_channel(8 * kib);
    ASSERT_GT(small, 0U);

    const std::vector<synk::bytes> whole = get(4 * mib, 1);
    EXPECT_EQ(mapped(), mapped_before);
    EXPECT_EQ(in_channel(8 * kib), small);
    const std::uint64_t hits = cache_hits();
    other.run([] { static_cast<void>(get(64 * kib, 1)); });
    EXPECT_EQ(cache_hits(), hits + 1);
}

} // namespace
