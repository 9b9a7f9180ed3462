// A buffer's way from and to file descriptors and streams.
#include <synk/buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <ios>
#include <istream>
#include <limits>
#include <optional>
#include <ostream>

#include <cxxabi.h>
#include <sys/stat.h>
#include <unistd.h>

namespace synk::inline v1 {
namespace {

static_assert(EAGAIN == EWOULDBLOCK, "one test tells both");

// Not noexcept: a thread that is cancelled where it waits in read() or write() is unwound through here.
template <class Call>
[[nodiscard]] ssize_t retried(Call call) {
    ssize_t n = call();
    while (n < 0 && errno == EINTR) n = call();
    return n;
}

[[nodiscard]] io_result failed(std::size_t count, int error) noexcept {
    if (error == EAGAIN) return {count, io_status::would_block, 0};
    return {count, io_status::error, error};
}

// One read; done when something has come.
[[nodiscard]] io_result read_once(int fd, std::span<std::byte> into) {
    const ssize_t n = retried([&] { return ::read(fd, into.data(), into.size()); });
    if (n < 0) return failed(0, errno);
    return {static_cast<std::size_t>(n), n == 0 ? io_status::end : io_status::done, 0};
}

// Bytes that a regular file has behind the place where it is read next: what it says now, which need not be so when it
// is read. Of a long file as many as are worth room before they are there. None where the file does not say.
//
// That nothing is left is not believed but asked, by a read that takes nothing: there may be no memory for what comes.
[[nodiscard]] std::optional<std::size_t> known_to_come(int fd) {
    constexpr off_t most = off_t{64} << 20;
    struct stat file;
    if (::fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_size == 0) return {}; // 0: perhaps one of /proc
    const off_t at = ::lseek(fd, 0, SEEK_CUR);
    if (at < 0) return {};
    if (at < file.st_size) return static_cast<std::size_t>(std::min(file.st_size - at, most));
    std::byte beyond;
    if (retried([&] { return ::pread(fd, &beyond, 1, at); }) == 0) return 0;
    return {};
}

// What a call of the stream's buffer moves; 0, and badbit, when it throws, as the standard has it for unformatted
// functions: the exception goes on where exceptions() asks for badbit, and no ios_base::failure is in its place.
template <class Call>
[[nodiscard]] std::streamsize moved(std::ios& stream, Call call) {
    try {
        return call();
#ifdef __GLIBCXX__
    } catch (const abi::__forced_unwind&) { // a thread that is cancelled where the stream waits
        throw;
#endif
    } catch (...) {
        try {
            stream.setstate(std::ios_base::badbit);
        } catch (const std::ios_base::failure&) { // it is set all the same
        }
        if ((stream.exceptions() & std::ios_base::badbit) != 0) throw;
        return 0;
    }
}

} // namespace

io_result buffer::read_some(int fd) {
    const io_result one = read_once(fd, room_to_read());
    write_ += one.count;
    return one;
}

io_result buffer::read_from(int fd) { return read_from(fd, std::numeric_limits<std::size_t>::max()); }

// Little room is made more only for what is known to come, or may: a file that just fits ends in the block that it has.
io_result buffer::read_from(int fd, std::size_t at_most) {
    start_write();
    std::size_t total = 0;
    while (total < at_most) {
        const std::size_t left = at_most - total;
        if (available() < std::min(left, min_read)) {
            const std::optional<std::size_t> rest = known_to_come(fd);
            if (rest == 0) return {total, io_status::end, 0};
            const std::size_t wanted = std::min(left, rest.value_or(min_read));
            if (wanted > available()) make_room(wanted);
        }
        const io_result one = read_once(fd, available_buffer().first(std::min(left, available())));
        write_ += one.count;
        total += one.count;
        if (one.status != io_status::done) return {total, one.status, one.error};
    }
    return {total, io_status::done, 0};
}

io_result buffer::write_to(int fd) {
    undo_ = {};
    for (std::size_t total = 0;;) {
        if (empty()) return reset(), io_result{total, io_status::done, 0};
        const ssize_t n = retried([&] { return ::write(fd, front(), size()); });
        if (n <= 0) return failed(total,
                                  n < 0 ? errno : EIO); // 0: a device that takes nothing would be asked forever
        read_ += static_cast<std::size_t>(n);
        total += static_cast<std::size_t>(n);
    }
}

std::size_t buffer::read_from(std::istream& in) {
    const std::istream::sentry ready(in, true);
    if (!ready) return 0;
    const std::size_t total = read_from([&](std::span<std::byte> free) {
        return moved(in, [&] {
            return in.rdbuf()->sgetn(reinterpret_cast<char*>(free.data()), static_cast<std::streamsize>(free.size()));
        });
    });
    if (!in.bad()) in.setstate(std::ios_base::eofbit);
    return total;
}

std::size_t buffer::write_to(std::ostream& out) {
    const std::ostream::sentry ready(out);
    if (!ready) {
        out.setstate(std::ios_base::failbit); // libstdc++'s sentry leaves a stream that is only at its end as it is
        return 0;
    }
    const std::size_t total = write_to([&](std::span<const std::byte> data) {
        return moved(out, [&] {
            return out.rdbuf()->sputn(reinterpret_cast<const char*>(data.data()),
                                      static_cast<std::streamsize>(data.size()));
        });
    });
    if (!empty()) out.setstate(std::ios_base::badbit);
    return total;
}

} // namespace synk::inline v1
