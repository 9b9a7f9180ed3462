// What buffer.hpp promises of writing, growing and truncating.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <cstdlib>
#include <fstream>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

#include <sys/resource.h>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"
#include "support/system_that_refuses.hpp"

namespace {

using namespace buffer_helpers;

// --- Writing and room ---

TEST(buffer, writes_in_every_form) {
    buffer b;
    b.write(raw("span "));
    b.write("text ");
    b.write_string("string ");
    b.write_byte(std::byte{'!'});
    b.write_byte('\n');
    EXPECT_EQ(b.write_rune(U'é'), 2U);
    b.write("");
    EXPECT_EQ(b.view(), "span text string !\n\xC3\xA9");
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

TEST(buffer, stops_growing_as_a_queue_at_twice_what_is_in_it) {
    const std::string message = letters(page);
    buffer b(letters(3 * page));
    std::size_t grown_to = 0;
    for (int i = 0; i < 5000; ++i) {
        b.write(message); // with 4 pages then in it
        ASSERT_EQ(read(b, message.size()).size(), message.size());
        if (i == 10) grown_to = b.capacity();
    }
    EXPECT_GE(grown_to, 8 * page);
    EXPECT_EQ(b.capacity(), grown_to);
}

TEST(buffer, does_not_grow_as_a_queue_that_is_drained_before_each_write) {
    buffer b(letters(page));
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(read(b, page).size(), page);
        b.write(letters(page));
    }
    EXPECT_EQ(b.capacity(), page);
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
    const std::string five_mib = letters(std::size_t{5} << 20);
    for (const std::size_t consumed : {std::size_t{0}, std::size_t{1} << 20, std::size_t{4} << 20})
        for (const std::size_t times : {1U, 2U, 3U}) {
            buffer b = partly_read(five_mib, consumed);
            std::string more;
            for (std::size_t i = 0; i < times; ++i) more += five_mib;
            b.write(more);
            EXPECT_TRUE(b.view() == five_mib.substr(consumed) + more) << consumed << ' ' << times;
            b.write(five_mib);
            EXPECT_TRUE(b.view() == five_mib.substr(consumed) + more + five_mib) << consumed << ' ' << times;
        }
}

// With bytes before the unread ones that can be read again, and without.
TEST(buffer, grows_by_what_is_needed_where_there_is_no_memory_for_twice_as_much) {
    const std::string many = letters(std::size_t{20} << 20);
    for (const std::size_t consumed : {0U, 1U}) {
        buffer b = partly_read(many, consumed);
        const std::string more = letters(b.available() + 1);
        {
            const synk_test::system_that_refuses system({.map = true, .remap = true, .least = std::size_t{30} << 20});
            b.write(more);
            EXPECT_GT(system.count(), 0U);
        }
        EXPECT_TRUE(b.view() == many.substr(consumed) + more);
    }
}

TEST(buffer, grow_makes_room_for_that_much_without_another_block) {
    for (const std::size_t n : {0U, 1U, 100U, 99U, 5000U, 5001U, 100'000U, 100'002U, 5'000'000U, 6'000'000U})
        for (const std::size_t filled : {0U, 100U, 4096U, 10'000U, 100'000U})
            for (const std::size_t consumed : {0U, 72U, 100'000U}) {
                buffer b = partly_read(letters(filled), consumed);
                const std::string before = b.str();
                if (n % 3 == 0)
                    b.grow(n);
                else
                    ASSERT_TRUE(b.try_grow(n));
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
        EXPECT_FALSE(b.try_grow(n));
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
    as_it_was = as_it_was && !b.try_grow(std::size_t{1} << 30);
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
    buffer b;
    b.grow(page); // or a guarded block is full already
    b.write("abc");
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
    buffer b;
    b.grow(page); // as above
    b.write("abc");
    b.next(3);
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

} // namespace
