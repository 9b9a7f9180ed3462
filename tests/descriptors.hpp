// What tests that read and write file descriptors share.
#pragma once

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace descriptors {

// A descriptor that is closed at the end of its scope.
class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) { EXPECT_GE(fd, 0) << std::generic_category().message(errno); }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { close(); }

    operator int() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void set_nonblocking() const { ASSERT_EQ(::fcntl(fd_, F_SETFL, O_NONBLOCK), 0); }

private:
    int fd_;
};

struct ends {
    int fds[2];
};

inline ends make_pipe() {
    ends e;
    EXPECT_EQ(::pipe2(e.fds, O_CLOEXEC), 0);
    return e;
}

inline ends make_socket_pair() {
    ends e;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e.fds), 0);
    return e;
}

// Both are what read() returns from and what write() goes to.
struct channel {
    explicit channel(ends e = make_pipe()) : out(e.fds[0]), in(e.fds[1]) {}
    descriptor out, in;

    void send(std::string_view s) const { ASSERT_EQ(::write(in, s.data(), s.size()), static_cast<ssize_t>(s.size())); }
};

inline descriptor unnamed_file() { return descriptor(::memfd_create("unnamed", MFD_CLOEXEC)); }

// With these contents, read from its beginning.
inline descriptor file_of(std::string_view contents) {
    const int fd = ::memfd_create("unnamed", MFD_CLOEXEC);
    EXPECT_EQ(::write(fd, contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
    EXPECT_EQ(::lseek(fd, 0, SEEK_SET), 0);
    return descriptor(fd);
}

} // namespace descriptors
