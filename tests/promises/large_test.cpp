// Large blocks: which request takes which, how many lie on the shelf, and how they grow.
#include <array>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "chunks/address_map.hpp"
#include "pages/system.hpp"
#include "support/fresh_pool.hpp"
#include "support/pattern.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class Large : public fresh_pool {
protected:
    static constexpr std::size_t shelf_slots = 64;

    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    // By a thread that ends: nobody's cache has it, it lies on the shelf.
    static void shelve(synk::bytes b) {
        std::thread([&b] { b.reset(); }).join();
    }
};

TEST_F(Large, AShortRequestTakesNoLongBlock) {
    for (const bool on_shelf : {false, true}) {
        start_afresh();
        synk::bytes longer = get(64 * mib);
        if (on_shelf)
            shelve(std::move(longer));
        else
            longer.reset();
        EXPECT_EQ(synk::stats().idle, 64 * mib);
        for (const std::size_t n : {5 * mib, 16 * mib, 32 * mib - page}) {
            const synk::bytes b = get(n);
            EXPECT_LE(b.capacity(), n + n / 4);
        }
    }
}

TEST_F(Large, ARequestOfAtLeastHalfTakesIt) {
    for (const bool on_shelf : {false, true})
        for (const std::size_t n : {32 * mib, 33 * mib, 50 * mib, 64 * mib - page, 64 * mib}) {
            start_afresh();
            synk::bytes longer = get(64 * mib);
            const std::byte* const data = longer.data();
            if (on_shelf)
                shelve(std::move(longer));
            else
                longer.reset();
            const synk::bytes b = get(n);
            EXPECT_EQ(b.size(), n);
            EXPECT_EQ(b.data(), data) << n << (on_shelf ? " from the shelf" : " from the own cache");
            EXPECT_EQ(mapped(), 64 * mib);
        }
}

TEST_F(Large, TheShortestThatFitsIsTaken) {
    synk::configure(quiet_with_limit(1024 * mib));
    std::vector<synk::bytes> blocks;
    for (const std::size_t n : {12 * mib, 8 * mib, 10 * mib, 14 * mib}) blocks.push_back(get(n));
    for (synk::bytes& b : blocks) shelve(std::move(b));
    EXPECT_EQ(get(9 * mib).capacity(), 10 * mib);
    EXPECT_EQ(get(11 * mib).capacity(), 12 * mib);
}

TEST_F(Large, TheShelfHasSixtyFourPlaces) {
    synk::configure(quiet_with_limit(4096 * mib));
    std::vector<synk::bytes> blocks;
    for (std::size_t i = 0; i < shelf_slots + 40; ++i) blocks.push_back(get(5 * mib));
    std::thread([&blocks] { blocks.clear(); }).join();
    const synk::statistics s = synk::stats();
    EXPECT_EQ(s.idle_large, shelf_slots * 5 * mib);
    EXPECT_EQ(s.mapped, s.idle) << "what found no place was given back";
    expect_accounts_balance();
}

TEST_F(Large, BytesAreBoundedToo) {
    for (const std::size_t idle_limit : {std::size_t{0}, 4 * mib, 40 * mib, 128 * mib}) {
        synk::configure(quiet_with_limit(idle_limit));
        std::vector<synk::bytes> blocks;
        for (std::size_t n = 5 * mib; n < 60 * mib; n += 7 * mib) blocks.push_back(get(n));
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            if (i % 2 == 0)
                blocks[i].reset();
            else
                shelve(std::move(blocks[i]));
            EXPECT_LE(synk::stats().idle, idle_limit);
        }
        EXPECT_LE(mapped(), idle_limit) << "large blocks that are not kept are unmapped";
        expect_accounts_balance();
    }
}

TEST_F(Large, ABlockLongerThanTheLimitIsNotKept) {
    const std::uint64_t before = synk::stats().dropped;
    get(256 * mib).reset();
    EXPECT_EQ(mapped(), 0U);
    EXPECT_EQ(synk::stats().dropped, before + 1);
}

// Two that grow in turns, so that each stands in the other's way now and then.
TEST_F(Large, GrowthKeepsContentsAndAccounts) {
    synk::bytes a = get(5 * mib);
    synk::bytes b = get(5 * mib);
    fill(a, 1);
    fill(b, 2);
    for (std::size_t n = 6 * mib; n < 60 * mib; n += 5 * mib) {
        a.resize(n);
        b.resize(n + 3 * mib);
        EXPECT_EQ(mapped(), a.capacity() + b.capacity());
        EXPECT_EQ(lent(), a.capacity() + b.capacity());
        ASSERT_EQ(first_broken(std::span(a).first(5 * mib), 1), intact) << n;
        ASSERT_EQ(first_broken(std::span(b).first(5 * mib), 2), intact) << n;
    }
    a.reset();
    b.reset();
    expect_accounts_balance();
}

TEST_F(Large, AGrownBlockIsFoundByItsNewLength) {
    synk::bytes b = get(5 * mib);
    b.resize(20 * mib);
    const std::byte* const data = b.data();
    const std::size_t before = mapped();
    b.reset();
    b = get(20 * mib);
    EXPECT_EQ(b.data(), data);
    EXPECT_EQ(mapped(), before);
    void* const bare = b.release();
    synk::get_sized_pool().deallocate(bare, 20 * mib);
    EXPECT_EQ(lent(), 0U);
}

// Blocks of a length that is no longer wanted fill the shelf: those that are in use do not go again and again for them.
TEST_F(Large, WhatNobodyWantsMakesRoomForWhatComesAndGoes) {
    synk::configure(quiet_with_limit(64 * mib));
    std::vector<synk::bytes> unwanted;
    while (unwanted.size() < 3) unwanted.push_back(get(20 * mib));
    std::thread([&unwanted] { unwanted.clear(); }).join();
    const auto come_and_go = [] {
        const std::array<std::byte*, 2> blocks{inside::shared_store::get_large(30 * mib).data,
                                               inside::shared_store::get_large(30 * mib).data};
        unsigned found = 0;
        for (std::byte* const b : blocks) {
            if (b != nullptr) ++found;
            inside::shared_store::put(b != nullptr ? inside::block{b, 32 * mib}
                                                   : inside::shared_store::get_new_large(30 * mib));
        }
        return found;
    };
    for (int i = 0; i < 4; ++i) come_and_go();
    EXPECT_EQ(come_and_go(), 2U);
}

// Linux may have unmapped the place that a block was to move to when it refuses the move after all; then somebody else
// may have it at once.
void* place_of_another = nullptr;
void* remap_that_fails_late(void*, std::size_t, std::size_t new_size, void* target) noexcept {
    if (target == nullptr) return nullptr;
    ::munmap(target, new_size);
    constexpr int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    place_of_another = ::mmap(target, new_size, PROT_READ | PROT_WRITE, kind, -1, 0);
    return nullptr;
}

TEST_F(Large, AMoveThatIsRefusedLeavesAlonePlacesThatAreAnothersByThen) {
    synk::bytes b = synk::get_sized_pool().get_sized(6 * mib);
    fill(b, 1);
    static inside::system_calls late = inside::linux_calls;
    late.remap = remap_that_fails_late;
    inside::the_system.store(&late);
    b.resize(20 * mib); // by copying
    inside::the_system.store(&inside::linux_calls);
    EXPECT_EQ(first_broken(std::span(b).first(6 * mib), 1), intact);
    ASSERT_NE(place_of_another, nullptr);
    EXPECT_EQ(::msync(place_of_another, page, MS_ASYNC), 0) << "it was unmapped";
    EXPECT_EQ(inside::places.find(place_of_another).as_large(), nullptr);
    ::munmap(place_of_another, 20 * mib);
}

} // namespace
