// A buffer's way from and to file descriptors and streams.
#include <synk/buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <ios>
#include <istream>
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

// Bytes from where a regular file is read next to its end: what it says now, which need not be so when it is read. 0
// for all else. Of a long file as many as are worth room before they are there.
[[nodiscard]] std::size_t known_to_come(int fd) noexcept {
    constexpr off_t most = off_t{64} << 20;
    struct stat file;
    if (::fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return 0;
    const off_t at = ::lseek(fd, 0, SEEK_CUR);
    return at >= 0 && at < file.st_size ? static_cast<std::size_t>(std::min(file.st_size - at, most)) : 0;
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
    const std::span<std::byte> free = room_to_read();
    const ssize_t n = retried([&] { return ::read(fd, free.data(), free.size()); });
    if (n < 0) return failed(0, errno);
    if (n == 0) return {0, io_status::end, 0};
    write_ += static_cast<std::size_t>(n);
    return {static_cast<std::size_t>(n), io_status::done, 0};
}

io_result buffer::read_from(int fd) {
    for (std::size_t total = 0;;) {
        const io_result one = read_some(fd);
        total += one.count;
        if (one.status != io_status::done) return {total, one.status, one.error};
        // Full: of a file it is known how much is missing, and that needs one larger block instead of all between.
        if (available() == 0)
            if (const std::size_t rest = known_to_come(fd)) make_room(rest + min_read);
    }
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
