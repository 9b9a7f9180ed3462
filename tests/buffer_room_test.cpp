// How much is read from a file descriptor, and how much room a buffer makes for it.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"
#include "descriptors.hpp"
#include "support/gets.hpp"

namespace {

using namespace buffer_helpers;
using namespace descriptors;
using synk::io_result;
using synk::io_status;

TEST(buffer_room, grows_once_to_what_a_file_has_left) {
    constexpr std::size_t n = 3'000'000;
    const descriptor file = unnamed_file();
    const std::string contents = letters(n);
    ASSERT_EQ(::write(file, contents.data(), n), static_cast<ssize_t>(n));
    for (const std::size_t left : {n, std::size_t{20'000}}) {
        ::lseek(file, static_cast<off_t>(n - left), SEEK_SET);
        buffer b("x");
        const std::uint64_t before = synk_test::gets();
        EXPECT_EQ(b.read_from(file), (io_result{left, io_status::end, 0}));
        EXPECT_EQ(b.view().substr(1), std::string_view(contents).substr(n - left));
        EXPECT_EQ(synk_test::gets(), before + 1) << left;
        EXPECT_LE(b.capacity(), std::bit_ceil(left)); // 4 MiB of few lengths, and a class
    }
}

TEST(buffer_room, reads_with_all_its_room_and_never_less_than_min_read) {
    const descriptor file = unnamed_file();
    ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
    buffer b = synk::get_sized_pool().get_sized_buffer(100'000);
    const std::size_t room = b.available();
    EXPECT_EQ(b.read_some(file), (io_result{room, io_status::done, 0}));
    b.truncate(room - buffer::min_read);
    EXPECT_EQ(b.read_some(file), (io_result{buffer::min_read, io_status::done, 0}));
    EXPECT_EQ(b.capacity(), room);
    b.truncate(room - buffer::min_read + 1);
    EXPECT_GT(b.read_some(file).count, room - buffer::min_read);
    EXPECT_GE(b.capacity(), 2 * room);
}

// With `free` bytes to spare.
buffer with_room_for(std::size_t free, std::size_t capacity) {
    buffer b = synk::get_sized_pool().get_sized_buffer(capacity);
    b.write(letters(b.available() - free));
    return b;
}

TEST(buffer_room, does_not_grow_for_a_file_that_just_fits) {
    for (const std::size_t capacity : {page, 25 * page, 5 * synk_test::mib})
        for (const std::size_t left_over : {0U, 1U, 100U, 511U}) {
            buffer b = synk::get_sized_pool().get_sized_buffer(capacity);
            const std::size_t n = b.capacity() - left_over;
            const descriptor file = file_of(letters(n));
            const std::uint64_t before = synk_test::gets();
            EXPECT_EQ(b.read_from(file), (io_result{n, io_status::end, 0}));
            EXPECT_EQ(b.capacity(), n + left_over);
            EXPECT_EQ(synk_test::gets(), before);
            EXPECT_TRUE(b.view() == letters(n));
            EXPECT_EQ(b.read_from(file), (io_result{0, io_status::end, 0})) << "nor does it grow to see that again";
            EXPECT_EQ(b.capacity(), n + left_over);
        }
}

TEST(buffer_room, does_not_grow_for_the_last_bytes_of_a_file) {
    for (const std::size_t free : {1U, 2U, 511U}) {
        buffer b = with_room_for(free, page);
        const descriptor file = file_of(letters(free));
        EXPECT_EQ(b.read_from(file), (io_result{free, io_status::end, 0}));
        EXPECT_EQ(b.capacity(), page);
        EXPECT_TRUE(b.view().substr(page - free) == letters(free));
    }
}

TEST(buffer_room, grows_for_a_file_that_is_a_byte_too_long) {
    for (const std::size_t free : {0U, 1U, 511U, 4096U}) {
        buffer b = with_room_for(free, page);
        const descriptor file = file_of(letters(free + 1));
        EXPECT_EQ(b.read_from(file), (io_result{free + 1, io_status::end, 0}));
        EXPECT_EQ(b.capacity(), 2 * page);
        EXPECT_TRUE(b.view().substr(page - free) == letters(free + 1));
    }
}

TEST(buffer_room, finds_the_end_of_a_file_that_has_become_shorter) {
    const descriptor file = file_of(letters(100));
    ASSERT_EQ(::lseek(file, 200, SEEK_SET), 200);
    buffer b = with_room_for(0, page);
    EXPECT_EQ(b.read_from(file), (io_result{0, io_status::end, 0}));
    EXPECT_EQ(b.capacity(), page);
}

TEST(buffer_room, reads_a_file_that_does_not_say_how_long_it_is) {
    std::ifstream in("/proc/version");
    const std::string version(std::istreambuf_iterator<char>(in), {});
    ASSERT_GT(version.size(), 10U);
    const descriptor file(::open("/proc/version", O_RDONLY | O_CLOEXEC));
    buffer b = with_room_for(10, page);
    EXPECT_EQ(b.read_from(file), (io_result{version.size(), io_status::end, 0}));
    EXPECT_EQ(b.view().substr(page - 10), version);
}

} // namespace
