// What buffer.hpp promises of life, looking and reading. Other files, named for it, test the rest: unread, write,
// callable, descriptor, stream; and model, which does random sequences of everything.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"

namespace {

using namespace buffer_helpers;
using namespace std::string_literals;

static_assert(std::is_nothrow_default_constructible_v<buffer>);
static_assert(std::is_nothrow_constructible_v<buffer, bytes&&> && !std::is_convertible_v<bytes&&, buffer>);
static_assert(std::is_nothrow_move_constructible_v<buffer> && std::is_nothrow_move_assignable_v<buffer>);
static_assert(std::is_nothrow_swappable_v<buffer> && !std::is_copy_constructible_v<buffer>);
static_assert(sizeof(buffer) <= 48, "three quarters of a cache line");

// --- Life and storage ---

TEST(buffer, without_a_block_is_usable) {
    buffer b;
    expect_as_new(b);
}

TEST(buffer, takes_over_what_bytes_holds) {
    bytes storage = pooled("unread");
    const std::byte* const block = storage.data();
    buffer b(std::move(storage));
    EXPECT_FALSE(storage);
    EXPECT_EQ(b.view(), "unread");
    EXPECT_EQ(b.unread().data(), block);
    b.write(" and more");
    EXPECT_EQ(b.str(), "unread and more");
    EXPECT_EQ(b.unread().data(), block);
}

TEST(buffer, starts_with_a_copy_of_text) {
    std::string contents = letters(page + 1);
    const buffer b(contents);
    const std::string wanted = std::exchange(contents, "gone");
    EXPECT_EQ(b.view(), wanted);
}

TEST(buffer, comes_from_the_pools_empty_with_room) {
    EXPECT_GE(synk::get_unsized_pool().get_buffer().available(), page);
    const buffer sized = synk::get_sized_pool().get_sized_buffer(100'000);
    EXPECT_TRUE(sized.empty());
    EXPECT_GE(sized.available(), 100'000U);
}

TEST(buffer, releases_its_unread_bytes_at_the_front_of_their_block) {
    buffer b = partly_read("consumed|unread", 9);
    const std::byte* const block = b.unread().data() - 9;
    const std::size_t capacity = b.capacity();
    const bytes storage = b.release_bytes();
    EXPECT_EQ(text(storage), "unread");
    EXPECT_EQ(storage.data(), block);
    EXPECT_EQ(storage.capacity(), capacity);
    expect_as_new(b);
}

TEST(buffer, release_after_a_read_does_not_bring_back_what_was_read) {
    buffer b = partly_read("ab", 1);
    EXPECT_EQ(text(b.release_bytes()), "b");
}

TEST(buffer, moves_with_cursors_and_the_right_to_unread) {
    buffer from = partly_read("abc", 1);
    const std::string_view view = from.view();
    buffer to(std::move(from));
    expect_as_new(from);
    EXPECT_EQ(view, "bc");
    EXPECT_EQ(view.data(), to.view().data());
    EXPECT_TRUE(to.unread_byte());
    EXPECT_EQ(to.view(), "abc");

    buffer assigned("old");
    buffer source = partly_read("xyz", 2);
    assigned = std::move(source);
    expect_as_new(source);
    EXPECT_EQ(assigned.view(), "z");
    EXPECT_TRUE(assigned.unread_byte());
    EXPECT_EQ(assigned.view(), "yz");
}

TEST(buffer, survives_assignment_to_itself) {
    buffer b = partly_read("abc", 1);
    buffer& same = b;
    b = std::move(same);
    EXPECT_EQ(b.view(), "bc");
}

TEST(buffer, swaps) {
    buffer a = partly_read("abc", 1);
    buffer b;
    swap(a, b);
    EXPECT_EQ(b.view(), "bc");
    EXPECT_TRUE(b.unread_byte());
    expect_as_new(a);
}

TEST(buffer, puts_every_block_back) {
    const std::size_t lent = synk::stats().lent;
    {
        buffer b(letters(3 * page));
        b.next(page);
        b.write(letters(20 * page));
        b.write(b.unread());
        buffer other(letters(10));
        other = std::move(b);
        synk::get_unsized_pool().put_buffer(buffer("put"));
        [[maybe_unused]] const bytes storage = other.release_bytes();
        EXPECT_GT(synk::stats().lent, lent);
    }
    EXPECT_EQ(synk::stats().lent, lent);
}

// --- Looking ---

TEST(buffer, tells_what_it_holds) {
    buffer b = partly_read("consumed|unread", 9);
    EXPECT_EQ(b.size(), 6U);
    EXPECT_FALSE(b.empty());
    EXPECT_EQ(b.capacity(), page);
    EXPECT_EQ(b.available(), page - 15);
    EXPECT_EQ(text(b.unread()), "unread");
    EXPECT_EQ(text(std::as_const(b).unread()), "unread");
    EXPECT_EQ(b.view(), "unread");
    EXPECT_EQ(b.str(), "unread");
}

TEST(buffer, peeks_without_consuming) {
    buffer b("abc");
    EXPECT_EQ(text(b.peek(0)), "");
    EXPECT_EQ(text(b.peek(2)), "ab");
    EXPECT_EQ(text(std::as_const(b).peek(3)), "abc");
    EXPECT_EQ(text(b.peek(4)), "abc");
    EXPECT_EQ(text(b.peek(too_large)), "abc");
    EXPECT_EQ(b.size(), 3U);
}

TEST(buffer, reads_what_was_changed_through_a_view) {
    buffer b("abc");
    b.unread()[1] = std::byte{'X'};
    b.peek(1)[0] = std::byte{'Y'};
    EXPECT_EQ(read(b, 3), "YXc");
}

// --- Reading ---

TEST(buffer, reads_as_much_as_there_is) {
    buffer b("abcdef");
    EXPECT_EQ(read(b, 4), "abcd");
    EXPECT_EQ(read(b, 0), "");
    EXPECT_EQ(read(b, 4), "ef");
    EXPECT_EQ(read(b, 4), "");
    EXPECT_EQ(b.read({}), 0U);
}

TEST(buffer, reads_into_a_view_of_itself) {
    buffer b("0123456789");
    const std::span<std::byte> front = b.peek(6);
    b.next(2);
    EXPECT_EQ(b.read(front), 6U);
    EXPECT_EQ(text(front), "234567");
    EXPECT_EQ(b.view(), "89");
}

TEST(buffer, gives_the_next_bytes_from_every_position) {
    const std::string_view five = "01234";
    for (std::size_t length = 0; length <= 5; ++length)
        for (std::size_t at = 0; at <= length; ++at)
            for (std::size_t n = 0; n <= 6; ++n) {
                buffer b = partly_read(five.substr(0, length), at);
                EXPECT_EQ(text(b.next(n)), five.substr(0, length).substr(at, n));
                EXPECT_EQ(b.view(), five.substr(0, length).substr(std::min(at + n, length)));
            }
}

TEST(buffer, keeps_views_while_it_is_read_on) {
    buffer b("abcdef");
    const std::span<std::byte> first = b.next(2);
    const std::string_view rest = b.view();
    EXPECT_EQ(read(b, 4), "cdef");
    EXPECT_FALSE(b.read_byte());
    EXPECT_EQ(text(first), "ab");
    EXPECT_EQ(rest, "cdef");
}

TEST(buffer, reads_bytes_one_by_one) {
    buffer b("a\xFF"s);
    EXPECT_EQ(b.read_byte(), std::byte{'a'});
    EXPECT_EQ(b.read_byte(), std::byte{0xFF});
    EXPECT_EQ(b.read_byte(), std::nullopt);
}

TEST(buffer, reads_until_a_delimiter) {
    buffer b("one\n\ntwo\nrest");
    EXPECT_EQ(b.read_until('\n').text(), "one\n");
    EXPECT_EQ(b.read_until(std::byte{'\n'}).text(), "\n");
    EXPECT_EQ(b.read_string('\n'), "two\n");
    const buffer::slice rest = b.read_until('\n');
    EXPECT_EQ(rest.text(), "rest");
    EXPECT_FALSE(rest.found);
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.read_string('\n'), "");
    EXPECT_FALSE(b.read_until('\n').found);
}

TEST(buffer, finds_delimiters_only_in_what_is_unread) {
    buffer b = partly_read("x-consumed"s, 10);
    EXPECT_FALSE(b.read_until('x').found);
    b.write("ab\0c"s);
    EXPECT_TRUE(b.read_until('\0').found);
    EXPECT_EQ(b.view(), "c");
    b.truncate(0);
    EXPECT_FALSE(b.read_until('c').found);
    b.write("\xFF"s);
    EXPECT_TRUE(b.read_until('\xFF').found);
}

TEST(buffer, makes_a_copy_in_read_string) {
    buffer b("line\n");
    const std::string line = b.read_string('\n');
    b.write("XXXXX");
    EXPECT_EQ(line, "line\n");
}

} // namespace
