// What buffer.hpp promises, member by member. Descriptors and streams: buffer_io_test.cpp; random sequences
// of everything: buffer_model_test.cpp.
#include <synk/pool.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <sys/resource.h>

#include <gtest/gtest.h>

#include "utf8_reference.hpp"

namespace {

using synk::buffer;
using synk::bytes;
using namespace std::string_literals;

constexpr std::size_t too_large = std::numeric_limits<std::size_t>::max();
constexpr std::size_t page = 4096;

static_assert(std::is_nothrow_default_constructible_v<buffer>);
static_assert(std::is_nothrow_constructible_v<buffer, bytes&&> && !std::is_convertible_v<bytes&&, buffer>);
static_assert(std::is_nothrow_move_constructible_v<buffer> && std::is_nothrow_move_assignable_v<buffer>);
static_assert(std::is_nothrow_swappable_v<buffer> && !std::is_copy_constructible_v<buffer>);
static_assert(sizeof(buffer) <= 48, "three quarters of a cache line");

std::string text(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

std::string text(const bytes& b) {
    return text({b.data(), b.size()});
}

std::span<const std::byte> raw(std::string_view s) {
    return std::as_bytes(std::span(s.data(), s.size()));
}

std::string letters(std::size_t n) {
    std::string s(n, '\0');
    for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>('a' + i % 23 + (i / page) % 3);
    return s;
}

std::string read(buffer& b, std::size_t n) {
    std::string into(n, '\0');
    into.resize(b.read(std::as_writable_bytes(std::span(into))));
    return into;
}

// A buffer with the first `consumed` bytes of `contents` read already.
buffer partly_read(std::string_view contents, std::size_t consumed) {
    buffer b(contents);
    b.next(consumed);
    return b;
}

bytes pooled(std::string_view contents) {
    bytes b = synk::get_unsized_pool().get();
    b.append(contents);
    return b;
}

void expect_as_new(buffer& b) {
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
                    const std::string four = {static_cast<char>(lead), static_cast<char>(second), third,
                                              '\x90'};
                    b.reset();
                    b.write(four.substr(0, length));
                    const auto wanted = reference::decode(four.substr(0, length));
                    ASSERT_EQ(b.read_rune(), wanted) << std::hex << lead << ' ' << second << ' ' << length;
                    ASSERT_EQ(b.size(), length - wanted.width);
                }
}

TEST(buffer, tells_a_written_replacement_character_from_a_bad_byte) {
    buffer b("\xEF\xBF\xBD\xEF\xBF"s);
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 3}));
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 1}));
    EXPECT_EQ(b.read_rune(), (synk::rune{0xFFFD, 1}));
    EXPECT_EQ(b.read_rune(), std::nullopt);
}

// --- Writing and room ---

TEST(buffer, writes_in_every_form) {
    buffer b;
    b.write(raw("span "));
    b.write("text ");
    b.write_string("string ");
    b.write_byte(std::byte{'!'});
    EXPECT_EQ(b.write_rune(U'é'), 2U);
    b.write("");
    EXPECT_EQ(b.view(), "span text string !\xC3\xA9");
}

TEST(buffer, starts_again_at_the_front_when_drained) {
    buffer b(letters(page));
    const std::byte* const block = b.unread().data();
    for (int i = 0; i < 3; ++i) {
        b.next(page);
        b.write(letters(page - 1));
        EXPECT_EQ(b.unread().data(), block);
        EXPECT_EQ(b.capacity(), page);
        b.next(page);
        b.grow(page);
        EXPECT_EQ(b.capacity(), page);
    }
}

TEST(buffer, does_not_grow_as_a_queue_that_is_read_as_it_is_written) {
    const std::string message = letters(1000);
    buffer b(message.substr(0, 1));
    for (int i = 0; i < 5000; ++i) {
        b.write(message);
        ASSERT_EQ(read(b, message.size()).size(), message.size());
        ASSERT_EQ(b.capacity(), page);
    }
}

TEST(buffer, slides_into_half_of_its_block_and_grows_beyond) {
    buffer slid = partly_read(letters(page), page - 48);
    slid.write(letters(page / 2 - 48));
    EXPECT_EQ(slid.capacity(), page);
    EXPECT_EQ(slid.view(), letters(page).substr(page - 48) + letters(page / 2 - 48));

    buffer grown = partly_read(letters(page), page - 48);
    grown.write(letters(page / 2 - 47));
    EXPECT_EQ(grown.capacity(), 2 * page);
    EXPECT_EQ(grown.view(), letters(page).substr(page - 48) + letters(page / 2 - 47));
}

TEST(buffer, grows_a_hundred_thousand_times_with_few_moves) {
    buffer b;
    std::size_t moves = 0;
    const std::string piece = letters(100);
    for (int i = 0; i < 100'000; ++i) {
        const std::size_t before = b.capacity();
        b.write(piece);
        moves += b.capacity() != before;
    }
    EXPECT_LE(moves, 13U) << "4 KiB doubled until it holds 10 MB";
    EXPECT_EQ(b.size(), 10'000'000U);
    for (int i = 0; i < 100'000; ++i) ASSERT_EQ(text(b.next(100)), piece);
}

TEST(buffer, grows_large_blocks_with_and_without_consumed_bytes) {
    for (const std::size_t consumed : {std::size_t{0}, std::size_t{1} << 20, std::size_t{4} << 20}) {
        const std::string half = letters(std::size_t{5} << 20);
        buffer b = partly_read(half, consumed);
        b.write(half);
        EXPECT_TRUE(b.view() == half.substr(consumed) + half) << consumed;
        b.write(half);
        EXPECT_TRUE(b.view() == half.substr(consumed) + half + half) << consumed;
    }
}

TEST(buffer, grow_makes_room_for_that_much_without_another_block) {
    for (const std::size_t n : {0U, 1U, 100U, 5000U, 100'000U, 5'000'000U})
        for (const std::size_t filled : {0U, 100U, 4096U, 10'000U, 100'000U})
            for (const std::size_t consumed : {0U, 72U, 100'000U}) {
                buffer b = partly_read(letters(filled), consumed);
                const std::string before = b.str();
                b.grow(n);
                EXPECT_EQ(b.view(), before);
                ASSERT_GE(b.available(), n);
                const std::byte* const at = b.unread().data();
                const std::size_t capacity = b.capacity();
                b.write(letters(n));
                EXPECT_EQ(b.capacity(), capacity);
                EXPECT_TRUE(before.empty() || b.unread().data() == at);
                EXPECT_TRUE(b.view() == before + letters(n));
            }
}

TEST(buffer, refuses_sizes_that_cannot_exist_and_stays_as_it_was) {
    for (const std::size_t n : {too_large, too_large - 2, too_large / 2, (std::size_t{1} << 46) + 1}) {
        buffer b = partly_read("abc", 1);
        EXPECT_THROW(b.grow(n), std::length_error);
        EXPECT_EQ(b.view(), "bc");
        EXPECT_TRUE(b.unread_byte());
        EXPECT_EQ(b.view(), "abc");
        EXPECT_THROW(buffer().grow(n), std::length_error);
    }
}

// In a process of its own, whose address space is limited.
[[noreturn]] void grow_without_memory() {
    buffer b = partly_read(letters(page), 1);
    const rlimit low{std::size_t{256} << 20, RLIM_INFINITY};
    bool as_it_was = ::setrlimit(RLIMIT_AS, &low) == 0;
    try {
        b.grow(std::size_t{1} << 30);
        as_it_was = false;
    } catch (const std::bad_alloc&) {
        as_it_was = as_it_was && b.unread_byte() && b.view() == letters(page) && b.capacity() == page;
    }
    std::_Exit(as_it_was ? 0 : 1);
}

TEST(buffer, stays_as_it_was_without_memory) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    if (pages * page > std::size_t{1} << 40) GTEST_SKIP() << "a sanitizer needs its address space";
    EXPECT_EXIT(grow_without_memory(), ::testing::ExitedWithCode(0), "");
}

TEST(buffer, writes_views_of_itself) {
    for (const std::size_t filled : {100U, 4000U, 4096U, 100'000U})
        for (const std::size_t consumed : {0U, 50U, 99U, 100U, 4000U}) {
            if (consumed > filled) continue;
            buffer b(letters(filled));
            const std::span<std::byte> read_already = b.next(consumed);
            const std::string left = b.str();
            b.write(read_already);
            EXPECT_TRUE(b.view() == left + letters(consumed)) << filled << ' ' << consumed;
            const std::string all = b.str();
            for (int i = 0; i < 3; ++i) b.write(b.view().substr(all.size() / 4, all.size() / 2));
            std::string wanted = all;
            for (int i = 0; i < 3; ++i) wanted += all.substr(all.size() / 4, all.size() / 2);
            EXPECT_TRUE(b.view() == wanted) << filled << ' ' << consumed;
        }
}

TEST(buffer, takes_what_others_write_into_its_free_space) {
    buffer b("abc");
    const std::span<std::byte> free = b.available_buffer();
    ASSERT_EQ(free.size(), b.available());
    ASSERT_EQ(free.data(), b.unread().data() + 3);
    free[0] = std::byte{'d'};
    free[1] = std::byte{'e'};
    EXPECT_EQ(b.view(), "abc") << "not yet";
    b.commit(1);
    EXPECT_EQ(b.view(), "abcd");
    b.write(free.subspan(1, 1));
    EXPECT_EQ(b.view(), "abcde");
    b.commit(b.available());
    EXPECT_EQ(b.size(), b.capacity());
    EXPECT_TRUE(b.available_buffer().empty());
}

TEST(buffer, commits_where_the_free_space_was_even_when_drained) {
    buffer b = partly_read("abc", 3);
    const std::span<std::byte> free = b.available_buffer();
    free[0] = std::byte{'X'};
    b.commit(1);
    EXPECT_EQ(b.view(), "X");
}

TEST(buffer, truncates_to_the_first_unread_bytes) {
    buffer b = partly_read("consumed|unread", 9);
    b.truncate(6);
    EXPECT_EQ(b.view(), "unread");
    b.truncate(2);
    EXPECT_EQ(b.view(), "un");
    b.write("til");
    EXPECT_EQ(b.view(), "until");
    b.truncate(0);
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.available(), b.capacity());
    EXPECT_EQ(b.capacity(), page);
}

TEST(buffer, resets_and_keeps_its_block) {
    buffer b = partly_read(letters(2 * page), 5);
    b.reset();
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.available(), 2 * page);
}

TEST(buffer, refuses_counts_beyond_what_it_has) {
    buffer b = partly_read("abcd", 1);
    EXPECT_THROW(b.truncate(4), std::out_of_range);
    EXPECT_THROW(b.truncate(too_large), std::out_of_range);
    EXPECT_THROW(b.commit(b.available() + 1), std::out_of_range);
    EXPECT_THROW(b.commit(too_large), std::out_of_range);
    EXPECT_EQ(b.view(), "bcd");
    EXPECT_TRUE(b.unread_byte());
    EXPECT_THROW(buffer().truncate(1), std::out_of_range);
    EXPECT_THROW(buffer().commit(1), std::out_of_range);
}

// --- Callables ---

struct failure {};

// A source that gives out `contents` in pieces of at most `piece` bytes and remembers what it was offered.
struct pieces {
    std::string_view contents;
    std::size_t piece;
    std::size_t least_offered = too_large;

    std::size_t operator()(std::span<std::byte> into) {
        least_offered = std::min(least_offered, into.size());
        const std::size_t n = std::min({piece, into.size(), contents.size()});
        std::copy_n(raw(contents).begin(), n, into.begin());
        contents.remove_prefix(n);
        return n;
    }
};

TEST(buffer, reads_a_source_to_its_end) {
    const std::string contents = letters(50'000);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{511}, page, too_large}) {
        buffer b = partly_read("xy", 1);
        pieces source{contents, piece};
        EXPECT_EQ(b.read_from(source), contents.size());
        EXPECT_TRUE(b.view() == "y" + contents);
        EXPECT_GE(source.least_offered, buffer::min_read);
    }
}

TEST(buffer, offers_a_source_all_the_room_that_there_is) {
    buffer b = synk::get_sized_pool().get_sized_buffer(100'000);
    const std::size_t room = b.available();
    b.write("x");
    b.read_from([&](std::span<std::byte> into) {
        EXPECT_EQ(into.size(), room - 1);
        return 0;
    });
    b.next(1);
    b.read_from([&](std::span<std::byte> into) {
        EXPECT_EQ(into.size(), room) << "drained";
        return 0;
    });
}

TEST(buffer, does_not_grow_for_a_source_with_min_read_to_spare) {
    const std::string contents = letters(page);
    buffer fits;
    fits.read_from(pieces{std::string_view(contents).substr(buffer::min_read), 100});
    EXPECT_EQ(fits.capacity(), page);
    buffer grows;
    grows.read_from(pieces{std::string_view(contents).substr(buffer::min_read - 1), 100});
    EXPECT_EQ(grows.capacity(), 2 * page);
}

TEST(buffer, stays_empty_after_an_empty_source) {
    buffer b;
    EXPECT_EQ(b.read_from(pieces{"", 1}), 0U);
    EXPECT_TRUE(b.empty());
    EXPECT_FALSE(b.read_byte());
}

TEST(buffer, keeps_what_came_before_a_source_threw) {
    buffer b("old ");
    int calls = 0;
    EXPECT_THROW(b.read_from([&](std::span<std::byte> into) -> std::size_t {
        into[0] = std::byte{'x'};
        if (++calls == 3) throw failure();
        return 1;
    }),
                 failure);
    EXPECT_EQ(b.view(), "old xx");
    b.write("!");
    EXPECT_EQ(b.view(), "old xx!");
}

TEST(buffer, refuses_a_source_that_claims_too_much) {
    buffer b("old");
    EXPECT_THROW(b.read_from([](std::span<std::byte> into) { return into.size() + 1; }), std::out_of_range);
    EXPECT_THROW(b.read_from([](std::span<std::byte>) { return -1; }), std::out_of_range);
    EXPECT_EQ(b.view(), "old");
    b.read_from([first = true](std::span<std::byte> into) mutable {
        return std::exchange(first, false) ? into.size() : 0;
    });
    EXPECT_GT(b.size(), 3U) << "all that was offered is no lie";
}

TEST(buffer, drains_into_a_sink) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, too_large}) {
        buffer b = partly_read(letters(10'000), 10);
        std::string got;
        EXPECT_EQ(b.write_to([&](std::span<const std::byte> data) {
            EXPECT_FALSE(data.empty());
            got += text(data.first(std::min(piece, data.size())));
            return std::min(piece, data.size());
        }),
                  9990U);
        EXPECT_TRUE(got == letters(10'000).substr(10));
        EXPECT_TRUE(b.empty());
        EXPECT_EQ(b.available(), b.capacity()) << "drained: at the front again";
    }
}

TEST(buffer, does_not_call_a_sink_for_nothing) {
    buffer b = partly_read("abc", 3);
    EXPECT_EQ(b.write_to([](std::span<const std::byte>) -> std::size_t { throw failure(); }), 0U);
    EXPECT_EQ(b.available(), b.capacity());
}

TEST(buffer, keeps_what_a_sink_does_not_take) {
    buffer b("abcdef");
    std::size_t room = 4;
    EXPECT_EQ(b.write_to([&](std::span<const std::byte> data) {
        return std::exchange(room, room - std::min({room, data.size(), std::size_t{3}})) - room;
    }),
              4U);
    EXPECT_EQ(b.view(), "ef");
}

TEST(buffer, keeps_what_a_sink_had_not_reported_when_it_threw) {
    buffer b("abcdef");
    int calls = 0;
    EXPECT_THROW(b.write_to([&](std::span<const std::byte>) -> std::size_t {
        if (++calls == 3) throw failure();
        return 2;
    }),
                 failure);
    EXPECT_EQ(b.view(), "ef");
}

TEST(buffer, refuses_a_sink_that_claims_too_much) {
    buffer b("abc");
    EXPECT_THROW(b.write_to([](std::span<const std::byte> data) { return data.size() + 1; }),
                 std::out_of_range);
    EXPECT_THROW(b.write_to([](std::span<const std::byte>) { return -1; }), std::out_of_range);
    EXPECT_EQ(b.view(), "abc");
}

TEST(buffer, moves_from_one_buffer_to_another) {
    buffer from = partly_read(letters(20'000), 1);
    buffer to("x");
    EXPECT_EQ(to.read_from([&](std::span<std::byte> into) { return from.read(into); }), 19'999U);
    EXPECT_TRUE(to.view() == "x" + letters(20'000).substr(1));
    EXPECT_EQ(to.write_to([&](std::span<const std::byte> data) {
        from.write(data);
        return data.size();
    }),
              20'000U);
    EXPECT_TRUE(from.view() == "x" + letters(20'000).substr(1));
}

} // namespace
