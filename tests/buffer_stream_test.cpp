// Buffers meet streams: every way in which a transfer can end, and that none loses a byte.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <thread>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"
#include "support/effort.hpp"
#include "support/system_that_refuses.hpp"

namespace {

using namespace buffer_helpers;

// --- Streams ---

// A stream's buffer that gives `room` bytes, takes `room` bytes, and then ends or throws.
struct limited : std::streambuf {
    explicit limited(std::size_t n, bool does_throw = false) : room(n), throws(does_throw) {}
    std::size_t room;
    bool throws;
    std::string taken;

    std::streamsize xsgetn(char* into, std::streamsize n) override {
        if (room == 0 && throws) throw std::runtime_error("broken");
        const std::size_t given = std::min(room, static_cast<std::size_t>(n));
        std::fill_n(into, given, 'g');
        room -= given;
        return static_cast<std::streamsize>(given);
    }
    std::streamsize xsputn(const char* from, std::streamsize n) override {
        if (room == 0 && throws) throw std::runtime_error("broken");
        const std::size_t fits = std::min(room, static_cast<std::size_t>(n));
        taken.append(from, fits);
        room -= fits;
        return static_cast<std::streamsize>(fits);
    }
};

TEST(buffer_stream, reads_a_stream_to_its_end) {
    const std::string contents = " \n" + letters(100'000);
    std::istringstream in(contents);
    buffer b("x");
    EXPECT_EQ(b.read_from(in), contents.size());
    EXPECT_TRUE(b.view() == "x" + contents);
    EXPECT_EQ(in.rdstate(), std::ios_base::eofbit);
    EXPECT_EQ(b.read_from(in), 0U);
    EXPECT_TRUE(in.fail()) << "it was not good";
}

TEST(buffer_stream, reads_a_file_stream_after_formatted_input) {
    const int file = ::memfd_create("unnamed", MFD_CLOEXEC);
    buffer b("42 the rest\nof it");
    ASSERT_EQ(b.write_to(file).status, synk::io_status::done);
    std::ifstream in("/proc/self/fd/" + std::to_string(file));
    ::close(file);
    int number = 0;
    in >> number;
    EXPECT_EQ(number, 42);
    EXPECT_EQ(b.read_from(in), 15U);
    EXPECT_EQ(b.view(), " the rest\nof it");
}

TEST(buffer_stream, writes_a_stream) {
    std::ostringstream out;
    buffer b("x" + letters(100'000));
    b.next(1);
    EXPECT_EQ(b.write_to(out), 100'000U);
    EXPECT_TRUE(out.good());
    EXPECT_TRUE(out.str() == letters(100'000));
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.write_to(out), 0U);
    EXPECT_TRUE(out.good());
}

TEST(buffer_stream, leaves_streams_alone_that_are_not_good) {
    std::istringstream in("contents");
    std::ostringstream out;
    in.setstate(std::ios_base::badbit);
    out.setstate(std::ios_base::badbit);
    buffer b("kept");
    EXPECT_EQ(b.read_from(in), 0U);
    EXPECT_EQ(b.write_to(out), 0U);
    EXPECT_TRUE(in.bad() && !in.eof() && out.bad());
    EXPECT_EQ(b.view(), "kept");
}

TEST(buffer_stream, tells_a_stream_that_is_at_its_end_that_it_took_nothing) {
    std::stringstream both("contents");
    buffer b;
    EXPECT_EQ(b.read_from(both), 8U);
    ASSERT_EQ(both.rdstate(), std::ios_base::eofbit);
    EXPECT_EQ(b.write_to(both), 0U);
    EXPECT_TRUE(both.fail());
    EXPECT_EQ(b.view(), "contents");
}

TEST(buffer_stream, keeps_what_a_stream_does_not_take) {
    limited sink(6);
    std::ostream out(&sink);
    buffer b("taken+kept");
    EXPECT_EQ(b.write_to(out), 6U);
    EXPECT_TRUE(out.bad());
    EXPECT_EQ(sink.taken, "taken+");
    EXPECT_EQ(b.view(), "kept");
}

TEST(buffer_stream, keeps_its_books_when_a_stream_throws) {
    limited both(6, true);
    std::iostream stream(&both);
    stream.exceptions(std::ios_base::badbit);
    buffer b;
    EXPECT_THROW(b.read_from(stream), std::runtime_error) << "what was thrown, and no ios_base::failure";
    EXPECT_EQ(stream.rdstate(), std::ios_base::badbit);
    EXPECT_EQ(b.view(), "gggggg");
    stream.clear();
    both.room = 2;
    EXPECT_THROW(b.write_to(stream), std::runtime_error);
    EXPECT_EQ(stream.rdstate(), std::ios_base::badbit);
    EXPECT_EQ(both.taken, "gg");
    EXPECT_EQ(b.view(), "gggg");
}

TEST(buffer_stream, is_told_by_badbit_what_a_stream_may_not_throw) {
    limited both(6, true);
    std::iostream stream(&both);
    buffer b;
    EXPECT_EQ(b.read_from(stream), 6U);
    EXPECT_EQ(stream.rdstate(), std::ios_base::badbit) << "and not the end";
    EXPECT_EQ(b.view(), "gggggg");
    stream.clear();
    stream.exceptions(std::ios_base::eofbit | std::ios_base::failbit);
    both.room = 2;
    EXPECT_EQ(b.write_to(stream), 2U);
    EXPECT_EQ(stream.rdstate(), std::ios_base::badbit);
    EXPECT_EQ(b.view(), "gggg");
}

TEST(buffer_stream, reads_nothing_of_a_folder) {
    std::ifstream in("/");
    ASSERT_TRUE(in.is_open());
    buffer b("kept");
    EXPECT_EQ(b.read_from(in), 0U);
    EXPECT_TRUE(in.bad() && !in.eof());
    EXPECT_EQ(b.view(), "kept");
}

TEST(buffer_stream, throws_what_growing_throws) {
    std::istringstream in("contents");
    synk::trim(); // a block that was longer may grow again without asking the system
    buffer b(letters(5 * synk_test::mib));
    {
        const synk_test::system_that_refuses system({.map = true, .make_accessible = true, .remap = true});
        EXPECT_THROW(b.read_from(in), std::bad_alloc);
    }
    EXPECT_TRUE(in.good());
    EXPECT_EQ(b.read_from(in), 8U);
}

// That is no error of the stream's.
TEST(buffer_stream, lets_a_thread_be_cancelled_where_a_stream_waits) {
    if (synk_test::slowness() != 1) GTEST_SKIP() << "AddressSanitizer does not see how the stack of such a thread ends";
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    std::thread t([&] {
        std::ifstream in("/proc/self/fd/" + std::to_string(fds[0]));
        buffer b;
        b.read_from(in);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // wherever it is then, it comes to the call
    ASSERT_EQ(::pthread_cancel(t.native_handle()), 0);
    t.join();
    for (const int fd : fds) ::close(fd);
}

TEST(buffer_stream, keeps_what_was_read_when_the_end_of_a_stream_throws) {
    std::istringstream in("contents");
    in.exceptions(std::ios_base::eofbit);
    buffer b;
    EXPECT_THROW(b.read_from(in), std::ios_base::failure);
    EXPECT_EQ(b.view(), "contents");
}

} // namespace
