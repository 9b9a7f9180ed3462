// <synk/sized_pool.hpp>: what its manual says, sentence by sentence.
#include <synk/sized_pool.hpp>

#include <bit>
#include <cerrno>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "checks/tools.hpp"
#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/pattern.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

static_assert(!std::is_copy_constructible_v<synk::sized_pool> && !std::is_default_constructible_v<synk::sized_pool>);

class SizedPool : public fresh_pool {
protected:
    synk::sized_pool& pool_ = synk::get_sized_pool();
};

void expect_aligned(const void* p, std::size_t capacity, std::size_t n) {
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    EXPECT_EQ(address % (capacity > inside::chunk_size ? inside::chunk_size : page), 0U) << n;
}

// All of the capacity is the caller's: its ends are written.
void touch_ends(std::byte* data, std::size_t capacity) { data[0] = data[capacity - 1] = std::byte{1}; }

TEST_F(SizedPool, TheProcessHasOne) {
    EXPECT_EQ(&synk::get_sized_pool(), &pool_);
    worker other;
    other.run([&] { EXPECT_EQ(&synk::get_sized_pool(), &pool_); });
}

// With hardly anything else lent, a size above 64 KiB gets its common length, or what else is there. Under a memory
// checker its class: what is behind the end is found then.
void expect_capacity(const synk::bytes& b, std::size_t n) {
    const bool is_common = n > 64 * kib && n <= inside::chunk_size && !inside::tools::active();
    const std::size_t of_class = inside::class_bytes(inside::class_of(n));
    EXPECT_GE(b.capacity(), of_class) << n;
    EXPECT_LE(b.capacity(), is_common ? inside::size_map::common_length(n) : of_class) << n;
}

TEST_F(SizedPool, GetsEverySize) {
    for (const std::size_t n : boundary_sizes()) {
        synk::bytes b = pool_.get_sized(n);
        ASSERT_TRUE(b) << n;
        EXPECT_EQ(b.size(), n);
        expect_capacity(b, n);
        EXPECT_EQ(lent(), b.capacity());
        expect_aligned(b.data(), b.capacity(), n);
        touch_ends(b.data(), b.capacity());
    }
}

// A second time, when the block comes out of the pool. So much may lie idle that no longer one is lent (growth.hpp).
TEST_F(SizedPool, GetsEverySizeAgain) {
    synk::configure(quiet_with_limit(512 * mib));
    const std::vector<std::size_t> sizes = boundary_sizes();
    for (int round = 0; round < 2; ++round)
        for (const std::size_t n : sizes) {
            synk::bytes b = pool_.get_sized(n);
            ASSERT_EQ(b.size(), n);
            expect_capacity(b, n);
            expect_aligned(b.data(), b.capacity(), n);
            touch_ends(b.data(), b.capacity());
        }
}

class SizedPoolBesideMuch : public pool_beside_much {};

TEST_F(SizedPoolBesideMuch, GetsEverySizeAtMostAQuarterLonger) {
    for (const std::size_t n : boundary_sizes()) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        EXPECT_EQ(b.size(), n);
        EXPECT_EQ(b.capacity(), inside::class_bytes(inside::class_of(n)));
        EXPECT_LE(b.capacity(), n + n / 4 + page) << "in pages";
        EXPECT_EQ(lent(), b.capacity());
        expect_aligned(b.data(), b.capacity(), n);
        touch_ends(b.data(), b.capacity());
    }
}

TEST_F(SizedPool, HoldsAllSizesAtOnceWithoutOverlap) {
    std::vector<synk::bytes> held;
    for (unsigned cls = 0; cls < inside::chunk_class_count + 1; ++cls) {
        held.push_back(pool_.get_sized(inside::class_bytes(cls)));
        fill(held.back(), cls);
    }
    for (unsigned cls = 0; cls < held.size(); ++cls) EXPECT_EQ(first_broken(held[cls], cls), intact) << cls;
}

// Beyond 1 GiB no block is kept: the system's page is the only measure, and a put gives it back.
TEST_F(SizedPool, GetsHugeSizes) {
    if (slowness() > 8) GTEST_SKIP() << "this much address space is too much for the tool";
    const std::size_t n = 1024 * mib + 1;
    synk::bytes b = pool_.get_sized(n);
    EXPECT_EQ(b.size(), n);
    EXPECT_EQ(b.capacity(), 1024 * mib + page);
    expect_aligned(b.data(), b.capacity(), n);
    touch_ends(b.data(), b.capacity());
    pool_.put(std::move(b));
    EXPECT_EQ(mapped(), 0U) << "it is over the limit of what may lie idle";
    for (const std::size_t more : {1280 * mib + 1, 1500 * mib}) EXPECT_EQ(pool_.get_sized(more).size(), more);
}

TEST_F(SizedPool, TriesEverySize) {
    for (const std::size_t n : boundary_sizes()) {
        const synk::bytes b = pool_.try_get_sized(n);
        ASSERT_TRUE(b) << n;
        EXPECT_EQ(b.size(), n);
        EXPECT_GE(b.capacity(), n);
    }
    static_assert(noexcept(pool_.try_get_sized(1)));
}

TEST_F(SizedPool, AnImpossibleSizeIsALengthError) {
    for (const std::size_t n : {inside::max_block_size + 1, ~std::size_t{0} / 2, ~std::size_t{0}}) {
        EXPECT_THROW(static_cast<void>(pool_.get_sized(n)), std::length_error) << n;
        EXPECT_THROW(static_cast<void>(pool_.allocate(n)), std::length_error) << n;
        EXPECT_FALSE(pool_.try_get_sized(n)) << n;
        EXPECT_EQ(pool_.try_allocate(n), nullptr) << n;
    }
}

TEST_F(SizedPool, NoMemoryIsBadAllocOrAnEmptyHandle) {
    const system_that_refuses system({.map = true});
    for (const std::size_t n : {std::size_t{1}, 100 * kib, 4 * mib, 5 * mib}) {
        EXPECT_THROW(static_cast<void>(pool_.get_sized(n)), std::bad_alloc) << n;
        EXPECT_THROW(static_cast<void>(pool_.allocate(n)), std::bad_alloc) << n;
        EXPECT_EQ(pool_.try_allocate(n), nullptr) << n;
        const synk::bytes none = pool_.try_get_sized(n);
        EXPECT_FALSE(none) << n;
        EXPECT_EQ(none.size(), 0U);
    }
    EXPECT_EQ(lent(), 0U);
}

TEST_F(SizedPool, PutDoesWhatTheDestructorWould) {
    synk::bytes b = pool_.get_sized(100'000);
    pool_.put(std::move(b));
    EXPECT_FALSE(b); // NOLINT(bugprone-use-after-move): put leaves an empty handle
    EXPECT_EQ(lent(), 0U);
    EXPECT_GE(synk::stats().idle, 100'000U);
    pool_.put(std::move(b));
    pool_.put(synk::bytes());
    EXPECT_EQ(lent(), 0U);
    static_assert(noexcept(pool_.put(synk::bytes())));
}

TEST_F(SizedPool, WhatIsPutIsUsedAgain) {
    for (const std::size_t n : {page, 100 * kib, 4 * mib, 5 * mib}) {
        pool_.put(pool_.get_sized(n));
        const std::size_t before = mapped();
        for (int i = 0; i < 100; ++i) pool_.put(pool_.get_sized(n));
        EXPECT_EQ(mapped(), before) << n;
    }
}

TEST_F(SizedPool, AnyThreadPutsWhatAnotherGot) {
    worker other;
    for (const std::size_t n : boundary_sizes()) {
        synk::bytes b = pool_.get_sized(n);
        other.run([&] { pool_.put(std::move(b)); });
    }
    EXPECT_EQ(lent(), 0U);
}

TEST_F(SizedPool, BuffersComeAndGo) {
    for (const std::size_t n : {std::size_t{0}, page, 100 * kib, 5 * mib}) {
        synk::buffer b = pool_.get_sized_buffer(n);
        EXPECT_GE(lent(), n);
        pool_.put_sized_buffer(std::move(b));
        EXPECT_EQ(lent(), 0U);
    }
}

TEST_F(SizedPool, AllocatesAndDeallocatesEverySize) {
    for (const std::size_t n : boundary_sizes()) {
        void* const p = pool_.allocate(n);
        ASSERT_NE(p, nullptr) << n;
        expect_aligned(p, lent(), n);
        EXPECT_GE(lent(), n);
        touch_ends(static_cast<std::byte*>(p), lent());
        pool_.deallocate(p, n);
        EXPECT_EQ(lent(), 0U) << n;
        void* const tried = pool_.try_allocate(n);
        EXPECT_GE(lent(), n);
        pool_.deallocate(tried, n);
        EXPECT_EQ(lent(), 0U) << n;
    }
    static_assert(noexcept(pool_.try_allocate(1)));
}

TEST_F(SizedPool, DeallocateTakesAnySizeUpToTheCapacity) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{5'000}, 2 * page}) {
        pool_.deallocate(pool_.allocate(5'000), n);
        EXPECT_EQ(lent(), 0U);
    }
    pool_.deallocate(nullptr, 0);
    pool_.deallocate(nullptr, 5'000);
    static_assert(noexcept(pool_.deallocate(nullptr, 0)));
}

TEST_F(SizedPool, DeallocatesInAnotherThread) {
    worker other;
    for (const std::size_t n : {page, 100 * kib, 5 * mib}) {
        void* const p = pool_.allocate(n);
        other.run([&] { pool_.deallocate(p, n); });
        EXPECT_EQ(lent(), 0U);
    }
}

// Each call of the system leaves an error behind, whether it has failed or not.
inside::system_calls system_that_changes_errno() {
    inside::system_calls all = inside::linux_calls;
    all.map = [](std::size_t size, bool accessible, void* wish) noexcept {
        void* const at = inside::linux_calls.map(size, accessible, wish);
        return errno = EINVAL, at;
    };
    all.unmap = [](void* at, std::size_t size) noexcept {
        const bool done = inside::linux_calls.unmap(at, size);
        return errno = EINVAL, done;
    };
    all.remap = [](void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
        void* const now = inside::linux_calls.remap(at, size, new_size, target);
        return errno = EINVAL, now;
    };
    return all;
}

TEST_F(SizedPool, ErrnoStays) {
    static const inside::system_calls system = system_that_changes_errno();
    synk::configure(quiet_with_limit(0));
    inside::the_system.store(&system);
    errno = EAGAIN;
    synk::bytes b = pool_.get_sized(5 * mib);
    EXPECT_EQ(errno, EAGAIN) << "a get";
    void* const p = pool_.allocate(5 * mib);
    EXPECT_EQ(errno, EAGAIN) << "a bare get";
    b.reserve(20 * mib);
    EXPECT_EQ(errno, EAGAIN) << "growth";
    EXPECT_FALSE(b.try_reserve(inside::max_block_size + 1));
    EXPECT_EQ(errno, EAGAIN) << "growth that is refused";
    b.reset();
    EXPECT_EQ(errno, EAGAIN) << "a put";
    pool_.deallocate(p, 5 * mib);
    EXPECT_EQ(errno, EAGAIN) << "a bare put";
    inside::the_system.store(&inside::linux_calls);
}

class SizedPoolDeathTest : public SizedPool {
protected:
    void SetUp() override {
        SizedPool::SetUp();
        testing::GTEST_FLAG(death_test_style) = "threadsafe";
    }
};

TEST_F(SizedPoolDeathTest, AForeignPointerIsNotPut) {
    int foreign = 0;
    EXPECT_DEATH(pool_.deallocate(&foreign, 1), "synk: put of .*: not a block of this pool");
}

TEST_F(SizedPoolDeathTest, AnInteriorPointerIsNotPut) {
    for (const std::size_t n : {100 * kib, 9 * mib}) {
        auto* const p = static_cast<std::byte*>(pool_.allocate(n));
        EXPECT_DEATH(pool_.deallocate(p + 4096, 1), "synk: put of .*: it points 4096 bytes into the block");
        EXPECT_DEATH(pool_.deallocate(p + n - 1, 1), "bytes into the block");
        pool_.deallocate(p, n);
    }
}

TEST_F(SizedPoolDeathTest, ASecondPutIsNoticed) {
    for (const std::size_t n : {page, 100 * kib, 4 * mib, 5 * mib}) {
        void* const p = pool_.allocate(n);
        pool_.deallocate(p, n);
        EXPECT_DEATH(pool_.deallocate(p, n), "synk: put of .*: .*put a second time") << n;
        synk::trim();
        EXPECT_DEATH(pool_.deallocate(p, n), "synk: put of .*(put a second time|after its put)") << n;
    }
}

TEST_F(SizedPoolDeathTest, ASizeThatTheBlockNeverHadIsNoticed) {
    void* const p = pool_.allocate(5'000);
    EXPECT_DEATH(pool_.deallocate(p, 2 * page + 1), "put of .* with 8193 bytes: the block has only 8192");
    pool_.deallocate(p, 5'000);
}

} // namespace
