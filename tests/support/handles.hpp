// What tests of handles have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "support/fresh_pool.hpp"
#include "support/pattern.hpp"

namespace synk_test {

class handles_of_a_fresh_pool : public fresh_pool {
protected:
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    // A buffer whose size() bytes are the pattern of a key.
    static synk::bytes filled(std::size_t n, std::uint64_t key) {
        synk::bytes b = get(n);
        fill(b, key);
        return b;
    }
    static std::span<std::byte> whole(synk::bytes& b) { return {b.data(), b.capacity()}; }
};

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
