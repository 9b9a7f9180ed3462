// Guarded blocks are blocks: whatever can be done with others works with them, and they are exactly as long as was
// asked.
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/synk.h>

#include "chunks/address_map.hpp"
#include "hardened/hardened_pool.hpp"
#include "support/child.hpp"
#include "support/effort.hpp"
#include "support/pattern.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

bool guarded(const void* p) { return inside::places.find(p).as_guarded() != nullptr; }

class GuardedBlocks : public hardened_pool {
protected:
    void SetUp() override {
        hardened_pool::SetUp();
        synk::configure(hardened_options(1));
    }
    static void expect_filled(const synk::bytes& b, std::size_t n, std::uint64_t key) {
        EXPECT_EQ(first_broken(std::span(b).first(n), key), intact);
    }
};

TEST_F(GuardedBlocks, AreAsLongAsWasAskedForAndStandOnAPage) {
    for (const std::size_t n : boundary_sizes()) {
        synk::bytes b = get(n);
        ASSERT_TRUE(guarded(b.data())) << n;
        EXPECT_EQ(b.size(), n);
        EXPECT_EQ(b.capacity(), n != 0 ? n : 1);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % 4096, 0U);
        EXPECT_EQ(lent(), (b.capacity() + 4095) / 4096 * 4096);
        fill(b, n);
        expect_filled(b, n, n);
    }
    EXPECT_EQ(lent(), 0U);
}

TEST_F(GuardedBlocks, GrowWithTheirContents) {
    synk::bytes b = get(100);
    fill(b, 7);
    for (const std::size_t n : {std::size_t{101}, page, page + 1, 100 * kib, 5 * mib, 40 * mib}) {
        b.resize(n);
        ASSERT_TRUE(guarded(b.data()));
        EXPECT_EQ(b.capacity(), n);
        expect_filled(b, 100, 7);
    }
    b.append("more");
    EXPECT_EQ(b.size(), 40 * mib + 4);
    expect_filled(b, 100, 7);
}

TEST_F(GuardedBlocks, AreLentBareAndComeBack) {
    for (const std::size_t n : {std::size_t{1}, page, std::size_t{5000}, 5 * mib}) {
        synk::bytes b = get(n);
        fill(b, n);
        b = synk::bytes::adopt(b.release());
        EXPECT_EQ(b.size(), n);
        expect_filled(b, n, n);
        synk::get_sized_pool().deallocate(b.release(), n);
    }
    EXPECT_EQ(lent(), 0U);
}

TEST_F(GuardedBlocks, AreResizedInC) {
    auto* p = static_cast<std::byte*>(synk_get(5000));
    EXPECT_EQ(synk_capacity(p), 5000U);
    fill({p, 5000}, 5);
    for (const std::size_t n : {std::size_t{5001}, 5 * mib, std::size_t{5000}}) {
        p = static_cast<std::byte*>(synk_resize(p, n));
        ASSERT_NE(p, nullptr);
        EXPECT_GE(synk_capacity(p), n);
        EXPECT_EQ(first_broken({p, 5000}, 5), intact);
    }
    synk_put(p);
}

TEST_F(GuardedBlocks, AreAnInvalidSizeOfDeallocateBeyondTheirCapacity) {
    void* const p = synk::get_sized_pool().allocate(5000);
    EXPECT_TRUE(dies_naming(p, "the block has only 5000", [=] { synk::get_sized_pool().deallocate(p, 5001); }));
    synk_put(p);
}

TEST_F(GuardedBlocks, GoRoundBetweenThreads) {
    worker other;
    for (int i = 0; i < 50; ++i) {
        synk::bytes b = get(5000);
        fill(b, 3);
        other.run([&] {
            expect_filled(b, 5000, 3);
            b.reset();
            b = get(70'000);
            fill(b, 4);
        });
        expect_filled(b, 70'000, 4);
    }
    EXPECT_EQ(lent(), 0U);
}

TEST_F(GuardedBlocks, StayInBothProcessesAfterAFork) {
    synk::bytes b = get(5000);
    void* const bare = synk_get(9000);
    fill(b, 3);
    EXPECT_TRUE(ends_well(in_child([&] {
        require(first_broken(b, 3) == intact, "the child has its copy");
        fill(b, 4);
        b.reset();
        synk_put(bare);
        require(guarded(get(100).data()), "the child gets guarded blocks");
        synk::trim();
        require(synk::stats().lent == 0, "nothing is lost");
    })));
    expect_filled(b, 5000, 3);
    synk_put(bare);
}

TEST_F(GuardedBlocks, ArePutWhileTheModeIsOff) {
    synk::bytes b = get(5000);
    void* const bare = synk_get(5000);
    synk::configure(quiet());
    EXPECT_FALSE(guarded(get(5000).data()));
    const std::byte* const place = b.data();
    b.reset();
    synk_put(bare);
    EXPECT_FALSE(guarded(place)) << "no quarantine any more";
    EXPECT_EQ(lent(), 0U);
}

TEST_F(GuardedBlocks, HaveNoMemoryOnceTheyArePut) {
    const std::size_t mapped_before = mapped();
    { const synk::bytes b = get(5 * mib); }
    EXPECT_EQ(synk::stats().idle, 0U);
    EXPECT_EQ(synk::stats().gone, 5 * mib);
    EXPECT_EQ(mapped(), mapped_before + 5 * mib);
    expect_accounts_balance();
}

TEST_F(GuardedBlocks, AreNotReusedBeforeTheyLeaveTheQuarantine) {
    std::set<const std::byte*> places;
    for (int i = 0; i < 1000; ++i) places.insert(get(page).data());
    EXPECT_EQ(places.size(), 1000U);
}

TEST_F(GuardedBlocks, AreReplacedByOthersWhereTheSystemRefuses) {
    const synk::bytes in_a_chunk = [] {
        synk::configure(quiet());
        return get(5000);
    }();
    synk::configure(hardened_options(1));
    const system_that_refuses system({.map = true});
    const synk::bytes b = get(5000);
    EXPECT_TRUE(b);
    EXPECT_FALSE(guarded(b.data()));
    EXPECT_GT(system.count(), 0U);
}

// Each takes mappings, of which the program needs some, and ordinary blocks, too.
TEST_F(GuardedBlocks, LeaveHalfOfTheMappings) {
    if (slowness() != 1) GTEST_SKIP() << "a sanitizer looks after every mapping: it would take minutes";
    constexpr std::size_t wanted = 40'000; // more than Linux has mappings for, if all were guarded
    std::vector<synk::bytes> held;
    std::size_t in_guards = 0;
    while (held.size() != wanted) {
        held.push_back(synk::get_sized_pool().try_get_sized(page));
        ASSERT_TRUE(held.back()) << held.size();
        in_guards += guarded(held.back().data()) ? 1U : 0U;
    }
    EXPECT_EQ(in_guards, 16'384U);
    held.pop_back();
    held.erase(held.begin()); // its place is in quarantine yet
    EXPECT_FALSE(guarded(get(page).data()));
}

TEST_F(GuardedBlocks, AreZeroWhereThatIsAskedFor) {
    synk::options o = hardened_options(1);
    o.zero_on_get = true;
    synk::configure(o);
    const synk::bytes b = get(5000);
    EXPECT_TRUE(all_zero(b));
}

TEST(GuardSample, IsKeptWithAnyRhythm) {
    synk::configure(hardened_options(50));
    std::size_t of_first = 0;
    std::size_t of_second = 0;
    for (int i = 0; i < 5000; ++i) { // two blocks each time: an even sample must not always meet the same
        const synk::bytes first = synk::get_sized_pool().get_sized(page);
        const synk::bytes second = synk::get_sized_pool().get_sized(5000);
        if (guarded(first.data())) ++of_first;
        if (guarded(second.data())) ++of_second;
    }
    EXPECT_NEAR(static_cast<double>(of_first), 100, 5);
    EXPECT_NEAR(static_cast<double>(of_second), 100, 5);
    synk::configure(hardened_options(0));
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(guarded(synk::get_sized_pool().get_sized(page).data()));
    synk::configure(quiet());
}

} // namespace
