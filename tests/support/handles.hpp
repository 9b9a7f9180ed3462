// What tests of handles have in common.
#pragma once

#include <span>

#include <gtest/gtest.h>

#include <synk/bytes.hpp>

namespace synk_test {

inline void expect_empty_handle(const synk::bytes& b) {
    EXPECT_EQ(b.data(), nullptr);
    EXPECT_EQ(b.size(), 0U);
    EXPECT_EQ(b.capacity(), 0U);
    EXPECT_TRUE(b.empty());
    EXPECT_FALSE(b);
    EXPECT_EQ(b.begin(), b.end());
    EXPECT_TRUE(std::span<const std::byte>(b).empty());
}

} // namespace synk_test
