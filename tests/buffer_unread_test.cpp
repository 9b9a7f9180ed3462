// What buffer.hpp promises of taking a read back, and of runes.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"
#include "utf8_reference.hpp"

namespace {

using namespace buffer_helpers;
using namespace std::string_literals;

// --- Unreading ---

TEST(buffer, unreads_the_last_byte_of_every_kind_of_read) {
    const auto expect_unreads = [](auto&& reads, std::string_view left) {
        buffer b("ab\ncd");
        reads(b);
        EXPECT_TRUE(b.unread_byte());
        EXPECT_EQ(b.view(), left);
        EXPECT_FALSE(b.unread_byte()) << "once only";
        EXPECT_EQ(b.view(), left);
    };
    expect_unreads([](buffer& b) { return b.read_byte(); }, "ab\ncd");
    expect_unreads([](buffer& b) { return b.read_rune(); }, "ab\ncd");
    expect_unreads([](buffer& b) { return read(b, 3); }, "\ncd");
    expect_unreads([](buffer& b) { return read(b, 9); }, "d");
    expect_unreads([](buffer& b) { return b.next(2).size(); }, "b\ncd");
    expect_unreads([](buffer& b) { return b.read_until('\n').found; }, "\ncd");
    expect_unreads([](buffer& b) { return b.read_until('?').found; }, "d");
    expect_unreads([](buffer& b) { return b.read_string('b'); }, "b\ncd");
}

TEST(buffer, does_not_unread_after_anything_else) {
    const auto expect_ends = [](const char* what, auto&& ends, std::string_view contents = "abcd") {
        buffer b(contents);
        ASSERT_TRUE(b.read_rune());
        ends(b);
        const std::string before = b.str();
        EXPECT_FALSE(b.unread_byte()) << what;
        EXPECT_FALSE(b.unread_rune()) << what;
        EXPECT_EQ(b.view(), before) << what;
    };
    expect_ends("write", [](buffer& b) { b.write("x"); });
    expect_ends("write of nothing", [](buffer& b) { b.write(std::span<const std::byte>()); });
    expect_ends("write_string", [](buffer& b) { b.write_string(""); });
    expect_ends("write_byte", [](buffer& b) { b.write_byte(std::byte{0}); });
    expect_ends("write_rune", [](buffer& b) { b.write_rune('x'); });
    expect_ends("write that grows", [](buffer& b) { b.write(letters(2 * page)); });
    expect_ends("commit", [](buffer& b) { b.commit(1); });
    expect_ends("commit of nothing", [](buffer& b) { b.commit(0); });
    expect_ends("truncate", [](buffer& b) { b.truncate(2); });
    expect_ends("truncate to all", [](buffer& b) { b.truncate(3); });
    expect_ends("truncate to none", [](buffer& b) { b.truncate(0); });
    expect_ends("reset", [](buffer& b) { b.reset(); });
    expect_ends(
        "grow when drained", [](buffer& b) { b.grow(0); }, "a");
    expect_ends("read of nothing", [](buffer& b) { EXPECT_EQ(read(b, 0), ""); });
    expect_ends("next of nothing", [](buffer& b) { b.next(0); });
    expect_ends(
        "read when drained", [](buffer& b) { EXPECT_EQ(read(b, 1), ""); }, "a");
    expect_ends(
        "next when drained", [](buffer& b) { b.next(1); }, "a");
    expect_ends(
        "read_byte when drained", [](buffer& b) { EXPECT_FALSE(b.read_byte()); }, "a");
    expect_ends(
        "read_rune when drained", [](buffer& b) { EXPECT_FALSE(b.read_rune()); }, "a");
    expect_ends(
        "read_until when drained", [](buffer& b) { EXPECT_FALSE(b.read_until('x')); }, "a");
    expect_ends("read_from", [](buffer& b) { b.read_from([](std::span<std::byte>) { return 0U; }); });
    expect_ends("write_to", [](buffer& b) { b.write_to([](std::span<const std::byte>) { return 0U; }); });
    expect_ends("unread_byte", [](buffer& b) { EXPECT_TRUE(b.unread_byte()); });
    expect_ends("unread_rune", [](buffer& b) { EXPECT_TRUE(b.unread_rune()); });
}

TEST(buffer, unreads_after_looking) {
    buffer b("abcd");
    ASSERT_TRUE(b.read_byte());
    EXPECT_EQ(b.peek(1).size() + b.unread().size() + b.view().size() + b.str().size(), 10U);
    EXPECT_EQ(b.available_buffer().size(), b.available());
    EXPECT_TRUE(b.unread_byte());
    EXPECT_EQ(b.view(), "abcd");
}

TEST(buffer, unreads_after_growing_wherever_the_block_goes) {
    for (const std::size_t n : {std::size_t{1}, page / 4, page - 8, 8 * page, std::size_t{9} << 20}) {
        buffer b(letters(page - 100) + "\xF0\x9F\x8C\x8D tail");
        b.next(page - 100);
        ASSERT_EQ(b.read_rune(), (synk::rune{0x1F30D, 4}));
        b.grow(n);
        EXPECT_GE(b.available(), n);
        EXPECT_EQ(b.view(), " tail");
        EXPECT_TRUE(b.unread_rune());
        EXPECT_EQ(b.view(), "\xF0\x9F\x8C\x8D tail");
    }
}

TEST(buffer, unreads_a_rune_only_after_read_rune) {
    buffer b("\xC3\xA9"
             "abc");
    ASSERT_TRUE(b.read_rune());
    EXPECT_TRUE(b.unread_rune());
    EXPECT_EQ(b.size(), 5U);
    EXPECT_FALSE(b.unread_rune());
    ASSERT_TRUE(b.read_rune());
    EXPECT_TRUE(b.unread_byte()) << "half of a rune";
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 1}));
    ASSERT_TRUE(b.read_byte());
    EXPECT_FALSE(b.unread_rune());
    EXPECT_FALSE(b.unread_byte()) << "what was refused has used the right up";
    EXPECT_EQ(b.view(), "bc");
}

// --- Runes ---

TEST(buffer, writes_and_reads_every_code_point) {
    buffer b;
    for (std::uint32_t code = 0; code <= 0x110000; ++code) {
        const std::string wanted = reference::encode(code);
        ASSERT_EQ(b.write_rune(code), wanted.size()) << std::hex << code;
        ASSERT_EQ(b.view(), wanted) << std::hex << code;
        ASSERT_EQ(b.read_rune(), reference::decode(wanted)) << std::hex << code;
        ASSERT_TRUE(b.empty());
    }
    EXPECT_EQ(b.write_rune(0xFFFFFFFF), 3U);
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 3}));
}

TEST(buffer, reads_bad_encodings_byte_by_byte) {
    constexpr char tails[] = {'\x00', 'a', '\x80', '\xBF', '\xC2'};
    buffer b;
    for (int lead = 0; lead < 256; ++lead)
        for (int second = 0; second < 256; ++second)
            for (const char third : tails)
                for (std::size_t length = 1; length <= 4; ++length) {
                    const std::string four = {static_cast<char>(lead), static_cast<char>(second), third, '\x90'};
                    b.reset();
                    b.write(four.substr(0, length));
                    const auto wanted = reference::decode(four.substr(0, length));
                    ASSERT_EQ(b.read_rune(), wanted) << std::hex << lead << ' ' << second << ' ' << length;
                    ASSERT_EQ(b.size(), length - wanted.width);
                }
}

TEST(buffer, reads_promises_of_more_than_four_bytes_byte_by_byte) {
    for (int lead = 0xF5; lead <= 0xFF; ++lead) {
        buffer b(static_cast<char>(lead) + std::string(8, '\x80'));
        EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 1})) << std::hex << lead;
    }
}

TEST(buffer, tells_a_written_replacement_character_from_a_bad_byte) {
    buffer b("\xEF\xBF\xBD\xEF\xBF"s);
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 3}));
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 1}));
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 1}));
    EXPECT_EQ(b.read_rune(), std::nullopt);
}

} // namespace
