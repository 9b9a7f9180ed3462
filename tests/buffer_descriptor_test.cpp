// Buffers meet file descriptors: every way in which a transfer can end, and that none loses a byte.
#include <synk/pool.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"
#include "descriptors.hpp"
#include "support/effort.hpp"

namespace {

using namespace buffer_helpers;
using namespace descriptors;
using synk::io_result;
using synk::io_status;

class buffer_descriptor : public ::testing::Test {
protected:
    void SetUp() override { previous_ = std::signal(SIGPIPE, SIG_IGN); }
    void TearDown() override { std::signal(SIGPIPE, previous_); }

private:
    void (*previous_)(int) = nullptr;
};

// Interrupts the thread that made it every 200 us by a signal whose handler only counts, until the scope
// ends.
class interruptions {
public:
    interruptions() {
        struct sigaction counting {};
        counting.sa_handler = [](int) { count_.fetch_add(1); };
        ::sigaction(SIGUSR1, &counting, &previous_); // without SA_RESTART
        sender_ = std::thread([this, target = ::pthread_self()] {
            while (!stop_.load()) {
                ::pthread_kill(target, SIGUSR1);
                std::this_thread::sleep_for(std::chrono::microseconds(200));
            }
        });
    }
    interruptions(const interruptions&) = delete;
    interruptions& operator=(const interruptions&) = delete;
    ~interruptions() {
        stop_ = true;
        sender_.join();
        ::sigaction(SIGUSR1, &previous_, nullptr);
    }
    static void wait_for_more(int n) {
        const int enough = count_.load() + n;
        while (count_.load() < enough) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }

private:
    inline static std::atomic<int> count_{0};
    std::atomic<bool> stop_{false};
    std::thread sender_;
    struct sigaction previous_ {};
};

// --- Descriptors: reading ---

TEST_F(buffer_descriptor, reads_a_file_to_its_end) {
    for (const std::size_t n : {0U, 1U, 3584U, 4096U, 100'000U, 6'000'000U}) {
        const descriptor file = unnamed_file();
        const std::string contents = letters(n);
        ASSERT_EQ(::write(file, contents.data(), n), static_cast<ssize_t>(n));
        ::lseek(file, 0, SEEK_SET);
        buffer b("x");
        EXPECT_EQ(b.read_from(file), (io_result{n, io_status::end, 0}));
        EXPECT_TRUE(b.view() == "x" + contents) << n;
        EXPECT_EQ(b.read_from(file), (io_result{0, io_status::end, 0}));
    }
}

TEST_F(buffer_descriptor, reads_a_pipe_until_it_is_closed) {
    channel c;
    const std::string contents = letters(300'000); // more than a pipe holds: many short reads
    std::thread writer([&] {
        buffer from(contents);
        EXPECT_EQ(from.write_to(c.in), (io_result{contents.size(), io_status::done, 0}));
        c.in.close();
    });
    buffer b;
    EXPECT_EQ(b.read_from(c.out), (io_result{contents.size(), io_status::end, 0}));
    writer.join();
    EXPECT_TRUE(b.view() == contents);
}

TEST_F(buffer_descriptor, tells_not_ready_from_the_end) {
    channel c;
    c.out.set_nonblocking();
    buffer b;
    EXPECT_EQ(b.read_from(c.out), (io_result{0, io_status::would_block, 0}));
    c.send("one ");
    EXPECT_EQ(b.read_from(c.out), (io_result{4, io_status::would_block, 0}));
    c.send("two");
    c.in.close();
    EXPECT_EQ(b.read_from(c.out), (io_result{3, io_status::end, 0}));
    EXPECT_EQ(b.view(), "one two");
}

TEST_F(buffer_descriptor, read_some_reads_once) {
    channel c;
    buffer b;
    c.send("one");
    EXPECT_EQ(b.read_some(c.out), (io_result{3, io_status::done, 0})); // would block if it asked again
    c.send("two");
    EXPECT_EQ(b.read_some(c.out), (io_result{3, io_status::done, 0}));
    c.out.set_nonblocking();
    EXPECT_EQ(b.read_some(c.out), (io_result{0, io_status::would_block, 0}));
    c.in.close();
    EXPECT_EQ(b.read_some(c.out), (io_result{0, io_status::end, 0}));
    EXPECT_EQ(b.view(), "onetwo");
}

TEST_F(buffer_descriptor, reads_no_more_of_a_file_than_it_may) {
    const std::string contents = letters(2'000'000);
    for (const std::size_t at_most : {1U, 511U, 4095U, 4096U, 100'000U, 2'000'000U}) { // with a byte of 4096 used
        const descriptor file = file_of(contents);
        buffer b("x");
        EXPECT_EQ(b.read_from(file, at_most), (io_result{at_most, io_status::done, 0}));
        EXPECT_TRUE(b.view().substr(1) == contents.substr(0, at_most)) << at_most;
        EXPECT_EQ(::lseek(file, 0, SEEK_CUR), static_cast<off_t>(at_most)) << "the rest is for others";
        EXPECT_LE(b.capacity(), 4 * (at_most + page)) << "room for what may come, not for all that the file has";
        EXPECT_EQ(b.read_from(file).count, contents.size() - at_most);
        EXPECT_TRUE(b.view().substr(1) == contents);
    }
}

TEST_F(buffer_descriptor, finds_the_end_before_as_much_as_it_may_read) {
    for (const std::size_t n : {0U, 1U, 4096U, 100'000U}) {
        const descriptor file = file_of(letters(n));
        buffer b;
        EXPECT_EQ(b.read_from(file, n + 1), (io_result{n, io_status::end, 0}));
        EXPECT_EQ(b.read_from(file, too_large), (io_result{0, io_status::end, 0}));
        EXPECT_TRUE(b.view() == letters(n));
        EXPECT_LE(b.capacity(), n + 100 * page) << "room for what is there, not for all that may come";
    }
}

TEST_F(buffer_descriptor, reads_no_more_of_a_pipe_than_it_may) {
    channel c;
    buffer b(letters(page - 3)); // full after three bytes
    c.send("onetwo|and the next");
    EXPECT_EQ(b.read_from(c.out, 3), (io_result{3, io_status::done, 0})); // would block if it asked for the end
    EXPECT_EQ(b.capacity(), page);
    EXPECT_EQ(b.read_from(c.out, 4), (io_result{4, io_status::done, 0}));
    EXPECT_EQ(b.view().substr(page - 3), "onetwo|");
    c.in.close();
    EXPECT_EQ(b.read_from(c.out, 20), (io_result{12, io_status::end, 0}));
    EXPECT_EQ(b.view().substr(page + 4), "and the next");
}

TEST_F(buffer_descriptor, reads_on_after_not_ready_up_to_what_it_may) {
    channel c;
    c.out.set_nonblocking();
    buffer b;
    EXPECT_EQ(b.read_from(c.out, 6), (io_result{0, io_status::would_block, 0}));
    c.send("one");
    const io_result first = b.read_from(c.out, 6);
    EXPECT_EQ(first, (io_result{3, io_status::would_block, 0}));
    c.send("two, and the next");
    EXPECT_EQ(b.read_from(c.out, 6 - first.count), (io_result{3, io_status::done, 0}));
    EXPECT_EQ(b.view(), "onetwo");
}

TEST_F(buffer_descriptor, asks_for_nothing_when_it_may_read_nothing) {
    const channel silent;
    buffer b = partly_read("ab", 1);
    EXPECT_EQ(b.read_from(silent.out, 0), (io_result{0, io_status::done, 0}));
    EXPECT_EQ(b.read_from(-1, 0), (io_result{0, io_status::done, 0}));
    EXPECT_EQ(b.read_from(-1, 1), (io_result{0, io_status::error, EBADF}));
    EXPECT_EQ(b.view(), "b");
    EXPECT_FALSE(b.unread_byte()) << "as any read_from";
    buffer none;
    EXPECT_EQ(none.read_from(silent.out, 0), (io_result{0, io_status::done, 0}));
    EXPECT_EQ(none.capacity(), 0U);
}

TEST_F(buffer_descriptor, reads_on_after_a_signal) {
#if defined(__SANITIZE_THREAD__) && __GNUC__ < 12
    GTEST_SKIP() << "each read returns EINTR, and ThreadSanitizer of g++ 11 never calls the handler that is waited for";
#endif
    channel c;
    std::thread writer([&] {
        interruptions::wait_for_more(20);
        c.send("late");
        interruptions::wait_for_more(20);
        c.send(" later");
        c.in.close();
    });
    buffer b;
    io_result result;
    {
        const interruptions signals;
        result = b.read_from(c.out);
        writer.join();
    }
    EXPECT_EQ(result, (io_result{10, io_status::end, 0}));
    EXPECT_EQ(b.view(), "late later");
}

TEST_F(buffer_descriptor, reports_what_keeps_it_from_reading) {
    buffer b("kept");
    EXPECT_EQ(b.read_from(-1), (io_result{0, io_status::error, EBADF}));
    EXPECT_EQ(b.read_some(-1), (io_result{0, io_status::error, EBADF}));
    const channel c;
    EXPECT_EQ(b.read_from(c.in), (io_result{0, io_status::error, EBADF})) << "the writing end";
    const descriptor directory(::open("/tmp", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(b.read_from(directory), (io_result{0, io_status::error, EISDIR}));
    EXPECT_EQ(b.view(), "kept");
}

TEST_F(buffer_descriptor, keeps_what_was_read_before_an_error) {
    channel c(make_socket_pair());
    c.send("before");
    {
        // Data that the peer never read makes its close a reset, which is reported after what it had sent.
        buffer unread_by_peer("x");
        ASSERT_EQ(unread_by_peer.write_to(c.out).status, io_status::done);
    }
    c.in.close();
    buffer b;
    EXPECT_EQ(b.read_from(c.out), (io_result{6, io_status::error, ECONNRESET}));
    EXPECT_EQ(b.view(), "before");
}

TEST_F(buffer_descriptor, reading_and_writing_end_the_right_to_unread) {
    channel c;
    c.in.set_nonblocking();
    c.out.set_nonblocking();
    buffer b("ab");
    ASSERT_TRUE(b.read_byte());
    EXPECT_EQ(b.read_from(c.out).status, io_status::would_block);
    EXPECT_FALSE(b.unread_byte());
    b.write("c");
    ASSERT_TRUE(b.read_byte());
    EXPECT_EQ(b.write_to(-1).status, io_status::error);
    EXPECT_FALSE(b.unread_byte());
    ASSERT_TRUE(b.read_byte());
    EXPECT_EQ(b.write_to(c.in), (io_result{0, io_status::done, 0})) << "drained";
    EXPECT_FALSE(b.unread_byte());
    EXPECT_EQ(b.available(), b.capacity());
}

// --- Descriptors: writing ---

TEST_F(buffer_descriptor, writes_all_that_is_unread) {
    const descriptor file = unnamed_file();
    const std::string contents = letters(5'000'000);
    buffer b(contents);
    b.next(10);
    EXPECT_EQ(b.write_to(file), (io_result{contents.size() - 10, io_status::done, 0}));
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.available(), b.capacity()) << "drained: at the front again";
    ::lseek(file, 0, SEEK_SET);
    EXPECT_EQ(b.read_from(file).status, io_status::end);
    EXPECT_TRUE(b.view() == contents.substr(10));
}

TEST_F(buffer_descriptor, keeps_what_a_full_descriptor_does_not_take) {
    for (const auto make : {make_pipe, make_socket_pair}) {
        channel c(make());
        c.in.set_nonblocking();
        c.out.set_nonblocking();
        const std::string contents = letters(2'000'000);
        buffer from(contents);
        buffer to;
        int rounds = 0;
        for (io_result result; result = from.write_to(c.in), result.status != io_status::done; ++rounds) {
            ASSERT_EQ(result.status, io_status::would_block);
            ASSERT_EQ(result.error, 0);
            ASSERT_EQ(to.size() + result.count + from.size(), contents.size());
            ASSERT_EQ(from.write_to(c.in), (io_result{0, io_status::would_block, 0})) << "still full";
            ASSERT_EQ(to.read_from(c.out), (io_result{result.count, io_status::would_block, 0}));
        }
        EXPECT_GT(rounds, 1);
        c.in.close();
        EXPECT_EQ(to.read_from(c.out).status, io_status::end);
        EXPECT_TRUE(to.view() == contents);
    }
}

TEST_F(buffer_descriptor, writes_on_after_a_signal) {
    channel c;
    c.in.set_nonblocking();
    buffer fill(letters(1 << 20));
    const std::size_t filled = fill.write_to(c.in).count; // so that the next write takes nothing before the signal
    ASSERT_EQ(::fcntl(c.in, F_SETFL, 0), 0);
    buffer b("after the rest");
    buffer got;
    std::thread reader([&] {
        interruptions::wait_for_more(20);
        while (got.size() < filled + 14) ASSERT_EQ(got.read_some(c.out).status, io_status::done);
    });
    io_result result;
    {
        const interruptions signals;
        result = b.write_to(c.in);
        c.in.close();
        reader.join();
    }
    EXPECT_EQ(result, (io_result{14, io_status::done, 0}));
    EXPECT_EQ(got.view().substr(filled), "after the rest");
}

TEST_F(buffer_descriptor, reports_what_keeps_it_from_writing) {
    buffer b("kept");
    EXPECT_EQ(b.write_to(-1), (io_result{0, io_status::error, EBADF}));
    channel c;
    EXPECT_EQ(b.write_to(c.out), (io_result{0, io_status::error, EBADF})) << "the reading end";
    c.out.close();
    EXPECT_EQ(b.write_to(c.in), (io_result{0, io_status::error, EPIPE}));
    const descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(b.write_to(full), (io_result{0, io_status::error, ENOSPC}));
    EXPECT_EQ(b.view(), "kept");
}

TEST_F(buffer_descriptor, consumes_what_was_written_before_an_error) {
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit low{10'000, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
    const descriptor file = unnamed_file();
    buffer b(letters(15'000));
    const io_result result = b.write_to(file);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, previous);
    EXPECT_EQ(result, (io_result{10'000, io_status::error, EFBIG}));
    EXPECT_TRUE(b.view() == letters(15'000).substr(10'000));
}

// What it holds goes back.
TEST_F(buffer_descriptor, lets_a_thread_be_cancelled_where_it_waits) {
    if (synk_test::slowness() != 1) GTEST_SKIP() << "AddressSanitizer does not see how the stack of such a thread ends";
    channel silent;
    channel full;
    full.in.set_nonblocking();
    buffer much(letters(1 << 20));
    ASSERT_EQ(much.write_to(full.in).status, io_status::would_block);
    ASSERT_EQ(::fcntl(full.in, F_SETFL, 0), 0);
    const std::size_t lent = synk::stats().lent;
    const auto wait_for_ever = [&](bool in_read) {
        return [&, in_read] {
            buffer b("more");
            static_cast<void>(in_read ? b.read_from(silent.out) : b.write_to(full.in));
        };
    };
    for (const bool in_read : {true, false}) {
        std::thread t(wait_for_ever(in_read));
        std::this_thread::sleep_for(std::chrono::milliseconds(20)); // wherever it is then, it comes to the call
        ASSERT_EQ(::pthread_cancel(t.native_handle()), 0);
        t.join();
    }
    EXPECT_EQ(synk::stats().lent, lent);
}

} // namespace
