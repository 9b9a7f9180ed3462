// What the tests of synk::buffer share.
#pragma once

#include <synk/pool.hpp>

#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "support/units.hpp"

namespace synk {
inline void PrintTo(const io_result& r, std::ostream* out) {
    constexpr const char* names[] = {"done", "end", "would_block", "error"};
    *out << names[static_cast<int>(r.status)] << " after " << r.count << " bytes, errno " << r.error;
}
} // namespace synk

namespace buffer_helpers {

using synk::buffer;
using synk::bytes;
using synk_test::page;

inline constexpr std::size_t too_large = std::numeric_limits<std::size_t>::max();

inline std::string text(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

inline std::string text(const bytes& b) { return text({b.data(), b.size()}); }

inline std::span<const std::byte> raw(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

inline std::string letters(std::size_t n) {
    std::string s(n, '\0');
    for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>('a' + i % 23 + (i / page) % 3);
    return s;
}

inline std::string read(buffer& b, std::size_t n) {
    std::string into(n, '\0');
    into.resize(b.read(std::as_writable_bytes(std::span(into))));
    return into;
}

// A buffer with the first `consumed` bytes of `contents` read already.
inline buffer partly_read(std::string_view contents, std::size_t consumed) {
    buffer b(contents);
    b.next(consumed);
    return b;
}

inline bytes pooled(std::string_view contents) {
    bytes b = synk::get_unsized_pool().get();
    b.append(contents);
    return b;
}

inline void expect_as_new(buffer& b) {
    EXPECT_FALSE(b.unread_byte());
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.capacity(), 0U);
    EXPECT_EQ(b.available(), 0U);
    EXPECT_EQ(b.view(), "");
    EXPECT_EQ(read(b, 3), "");
    EXPECT_FALSE(b.read_byte());
    EXPECT_FALSE(b.read_rune());
    EXPECT_FALSE(b.read_until('x'));
    EXPECT_TRUE(b.release_bytes().empty());
    b.truncate(0);
    b.reset();
    b.write("again");
    EXPECT_EQ(b.view(), "again");
}

} // namespace buffer_helpers
