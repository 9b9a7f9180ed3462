// <synk/unsized_pool.hpp>: what its manual says, sentence by sentence.
#include <synk/unsized_pool.hpp>

#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

static_assert(!std::is_copy_constructible_v<synk::unsized_pool> &&
              !std::is_default_constructible_v<synk::unsized_pool>);

class UnsizedPool : public fresh_pool {
protected:
    synk::unsized_pool& pool_ = synk::get_unsized_pool();
};

TEST_F(UnsizedPool, TheProcessHasOne) { EXPECT_EQ(&synk::get_unsized_pool(), &pool_); }

TEST_F(UnsizedPool, GetsAnEmptyBufferOfAtLeast4KiB) {
    const synk::bytes b = pool_.get();
    EXPECT_TRUE(b);
    EXPECT_EQ(b.size(), 0U);
    EXPECT_GE(b.capacity(), 4096U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % page, 0U);
    const synk::bytes tried = pool_.try_get();
    EXPECT_TRUE(tried);
    EXPECT_EQ(tried.size(), 0U);
    EXPECT_GE(tried.capacity(), 4096U);
    EXPECT_NE(tried.data(), b.data());
    static_assert(noexcept(pool_.try_get()));
}

TEST_F(UnsizedPool, GetsAtLeastWhatIsAskedFor) {
    for (const std::size_t n : boundary_sizes()) {
        const synk::bytes b = pool_.get_at_least(n);
        ASSERT_TRUE(b) << n;
        EXPECT_EQ(b.size(), 0U);
        EXPECT_GE(b.capacity(), n);
        EXPECT_GE(b.capacity(), 4096U);
        const synk::bytes tried = pool_.try_get_at_least(n);
        ASSERT_TRUE(tried) << n;
        EXPECT_EQ(tried.size(), 0U);
        EXPECT_GE(tried.capacity(), n);
    }
    static_assert(noexcept(pool_.try_get_at_least(1)));
}

TEST_F(UnsizedPool, GrowsAsItIsFilled) {
    synk::bytes b = pool_.get();
    while (b.size() < 5 * mib) b.append("forty bytes are what this text is long.\n");
    EXPECT_EQ(lent(), b.capacity());
}

TEST_F(UnsizedPool, ErrorsAreTheSizedPools) {
    EXPECT_THROW(static_cast<void>(pool_.get_at_least(inside::max_block_size + 1)), std::length_error);
    EXPECT_THROW(static_cast<void>(pool_.get_at_least(~std::size_t{0})), std::length_error);
    EXPECT_FALSE(pool_.try_get_at_least(~std::size_t{0}));
    const system_that_refuses system({.map = true});
    EXPECT_FALSE(pool_.try_get_at_least(5 * mib));
    EXPECT_THROW(static_cast<void>(pool_.get()), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(pool_.get_at_least(5 * mib)), std::bad_alloc);
    EXPECT_FALSE(pool_.try_get());
}

TEST_F(UnsizedPool, PutDoesWhatTheDestructorWould) {
    synk::bytes b = pool_.get();
    pool_.put(std::move(b));
    EXPECT_FALSE(b); // NOLINT(bugprone-use-after-move): put leaves an empty handle
    EXPECT_EQ(lent(), 0U);
    pool_.put(std::move(b));
    pool_.put(synk::bytes());
    EXPECT_EQ(lent(), 0U);
    static_assert(noexcept(pool_.put(synk::bytes())));
}

TEST_F(UnsizedPool, WhatOnePoolPutsTheOtherGets) {
    synk::sized_pool& sized = synk::get_sized_pool();
    for (const std::size_t n : {page, 100 * kib, 4 * mib, 5 * mib}) {
        pool_.put(pool_.get_at_least(n));
        const std::size_t before = mapped();
        synk::bytes b = sized.get_sized(n);
        EXPECT_EQ(mapped(), before) << n;
        sized.put(std::move(b));
        b = pool_.get_at_least(n);
        EXPECT_EQ(mapped(), before) << n;
        sized.put(std::move(b)); // either pool's put will do
        EXPECT_EQ(lent(), 0U);
    }
}

TEST_F(UnsizedPool, BuffersComeAndGo) {
    synk::buffer b = pool_.get_buffer();
    EXPECT_GE(lent(), 4096U);
    pool_.put_buffer(std::move(b));
    EXPECT_EQ(lent(), 0U);
    b = pool_.get_buffer_at_least(5 * mib);
    EXPECT_GE(lent(), 5 * mib);
    pool_.put_buffer(std::move(b));
    EXPECT_EQ(lent(), 0U);
}

TEST_F(UnsizedPool, AnyThreadPutsWhatAnotherGot) {
    worker other;
    synk::bytes b = pool_.get();
    other.run([&] { pool_.put(std::move(b)); });
    EXPECT_EQ(lent(), 0U);
}

} // namespace
