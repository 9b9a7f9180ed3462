// synk::buffer: a pooled buffer with a write and a read cursor.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <synk/bytes.hpp>
#include <synk/detail/config.hpp>

namespace synk {
inline namespace v1 {
namespace detail {
// std::out_of_range: `who` was told n bytes where there are `limit`.
[[noreturn, gnu::cold]] SYNK_API void throw_beyond(const char* who, std::size_t n, std::size_t limit);
} // namespace detail

// How a transfer to or from a file descriptor came to its end.
enum class io_status {
    done,        // all is moved that was asked for; of read_some: something is read, and more may follow
    end,         // the source is at its end: end of file, or the peer has closed
    would_block, // the descriptor is non-blocking and not ready (EAGAIN): wait for it, then call again
    error        // see io_result::error
};

struct io_result {
    std::size_t count = 0; // bytes moved by this call, whatever the status
    io_status status = io_status::done;
    int error = 0; // an errno value when status is error, else 0

    friend bool operator==(const io_result&, const io_result&) = default;
};

// A code point and the bytes that it took in the buffer, 1 to 4.
struct rune {
    char32_t code = 0;
    std::size_t width = 0;

    friend bool operator==(const rune&, const rune&) = default;
};

// What can fill a buffer: it puts bytes into the front of the span and returns how many; 0 says that it is at
// its end.
template <class F>
concept byte_source = std::invocable<F&, std::span<std::byte>> &&
    std::convertible_to<std::invoke_result_t<F&, std::span<std::byte>>, std::size_t>;

// What can drain a buffer: it takes bytes from the front of the span and returns how many; 0 says that it
// takes no more.
template <class F>
concept byte_sink = std::invocable<F&, std::span<const std::byte>> &&
    std::convertible_to<std::invoke_result_t<F&, std::span<const std::byte>>, std::size_t>;

// A queue of bytes in one block of the pool: writes go to its end, reads come from its front. Made after Go's
// bytes.Buffer, whose documentation (pkg.go.dev/bytes#Buffer) it follows edge by edge. All sizes are bytes.
//
//      0          read_              write_            capacity()
//      | consumed  |  unread, size()  |  free, available() |
//
// Growing: a write that does not fit moves the unread bytes down to the front of the block when they and what
// is added fill at most half of it; otherwise the block is exchanged for one of at least twice the capacity.
// So writing n bytes costs O(n). A queue that is read as fast as it is written grows until its block holds at
// least twice the most that is in it at a time, the write included, and then no more. A drained buffer starts
// again at the front of its block: one that is drained before each write needs no more than the longest write.
//
// Views: the spans and string_views that are returned, and the bytes in them, hold until the next write,
// grow, read_from, read_some or release_bytes; reading on does not touch them, and they go with a move. A
// view of this very buffer may be written to it.
//
// Ownership: a buffer owns its block like bytes does; destroying it puts the block back. A
// default-constructed and a moved-from buffer are empty and have no block; every member may be called on
// them, and the first write gets a block.
//
// Thread safety: one buffer is like an int. Distinct buffers may be used from any threads at once, and die in
// other threads than those that made them.
//
// Errors: what grows throws std::length_error for a size that cannot exist and std::bad_alloc when there is
// no memory; the buffer then holds what it held. A count that is beyond what the buffer has, or has offered,
// is the caller's error: std::out_of_range, and nothing has changed. In a program without exceptions all
// three end the process. What does not say so throws nothing.
//
//     synk::buffer b = synk::get_unsized_pool().get_buffer();
//     if (b.read_from(file).status == synk::io_status::end)
//         while (!b.empty()) handle_line(b.read_until('\n').text());
class buffer {
public:
    // read_from offers every source at least this much free space, and all that there is; less only where less may be
    // read, or is left in a regular file.
    static constexpr std::size_t min_read = 512;

    // What read_until took: up to and with the delimiter, or all there was when there is none.
    struct slice {
        std::span<std::byte> data;
        bool found = false;

        [[nodiscard]] explicit operator bool() const noexcept { return found; }
        [[nodiscard]] std::string_view text() const noexcept { return as_text(data); }
    };

    constexpr buffer() noexcept = default;
    // Takes over the block; what is in [0, storage.size()) is unread. `storage` is empty afterwards.
    explicit buffer(bytes&& storage) noexcept : storage_(std::move(storage)), write_(storage_.size()) {}
    // A copy of `contents`, unread.
    explicit buffer(std::string_view contents) { write(contents); }

    buffer(buffer&& other) noexcept
        : storage_(std::move(other.storage_)), read_(std::exchange(other.read_, 0)),
          write_(std::exchange(other.write_, 0)), undo_(std::exchange(other.undo_, {})) {}
    buffer& operator=(buffer&& other) noexcept {
        buffer taken(std::move(other));
        swap(taken);
        return *this;
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() = default;

    void swap(buffer& other) noexcept {
        storage_.swap(other.storage_);
        std::swap(read_, other.read_);
        std::swap(write_, other.write_);
        std::swap(undo_, other.undo_);
    }
    friend void swap(buffer& a, buffer& b) noexcept { a.swap(b); }

    // Gives out the storage; its contents are the unread bytes. The buffer is then as if moved from.
    [[nodiscard]] SYNK_API bytes release_bytes() noexcept;

    // --- Looking: nothing is consumed ---

    // How many bytes are unread.
    [[nodiscard]] std::size_t size() const noexcept { return write_ - read_; }
    [[nodiscard]] bool empty() const noexcept { return read_ == write_; }
    // Bytes that the block holds, the consumed ones included.
    [[nodiscard]] std::size_t capacity() const noexcept { return storage_.capacity(); }
    // Bytes that fit behind the unread ones where they are. What was read before them still takes its room, all of it
    // in a buffer that is drained: 0 then says that the end of the block is reached, until grow(), reset() or a write.
    [[nodiscard]] std::size_t available() const noexcept { return capacity() - write_; }

    // The unread bytes. Changing them changes what will be read.
    [[nodiscard]] std::span<std::byte> unread() noexcept { return peek(size()); }
    [[nodiscard]] std::span<const std::byte> unread() const noexcept { return peek(size()); }
    // The unread bytes as text: a view, and a copy.
    [[nodiscard]] std::string_view view() const noexcept { return as_text(unread()); }
    [[nodiscard]] std::string str() const { return std::string(view()); }
    // The next n unread bytes, or as many as there are.
    [[nodiscard]] std::span<std::byte> peek(std::size_t n) noexcept { return {front(), at_most(n)}; }
    [[nodiscard]] std::span<const std::byte> peek(std::size_t n) const noexcept {
        return {storage_.data() + read_, at_most(n)};
    }

    // --- Reading: what is read is consumed ---

    // Copies min(into.size(), size()) bytes and returns how many. 0 says that the buffer is drained, or that
    // `into` is empty.
    [[nodiscard]] std::size_t read(std::span<std::byte> into) noexcept {
        const std::span<std::byte> from = next(into.size());
        if (!from.empty()) std::memmove(into.data(), from.data(), from.size());
        return from.size();
    }
    // The next n bytes without copying, or as many as there are. To skip bytes, drop the result.
    std::span<std::byte> next(std::size_t n) noexcept {
        const std::span<std::byte> taken = peek(n);
        consume(taken.size(), {static_cast<std::uint8_t>(!taken.empty()), 0});
        return taken;
    }
    // The next byte; none when the buffer is drained.
    [[nodiscard]] std::optional<std::byte> read_byte() noexcept {
        const std::span<std::byte> taken = next(1);
        return taken.empty() ? std::nullopt : std::optional(taken.front());
    }
    // The next UTF-8 encoded code point; none when the buffer is drained. Where the bytes are no shortest
    // encoding of a Unicode scalar value, one byte is consumed and the result is U+FFFD with width 1. An
    // encoding that is cut off by the end of the buffer is such a place.
    [[nodiscard]] SYNK_API std::optional<rune> read_rune() noexcept;
    // All up to and with the first `delimiter`; all there is, and found == false, when it does not occur. A
    // reader of a stream that is not at its end looks for the delimiter in unread() instead.
    [[nodiscard]] SYNK_API slice read_until(std::byte delimiter) noexcept;
    [[nodiscard]] slice read_until(char delimiter) noexcept { return read_until(static_cast<std::byte>(delimiter)); }
    // The same as a copy: none is found when the string does not end with `delimiter`.
    [[nodiscard]] std::string read_string(char delimiter) { return std::string(read_until(delimiter).text()); }

    // Makes the last byte that was read unread again. False, and nothing has changed, unless the last read
    // got at least one byte and nothing but looking has been done since. grow counts as looking while
    // something is unread; a write of nothing is a write.
    [[nodiscard]] bool unread_byte() noexcept { return give_back(undo_.byte); }
    // The same for the whole code point of a read_rune; false after any other read.
    [[nodiscard]] bool unread_rune() noexcept { return give_back(undo_.rune); }

    // --- Writing: behind the unread bytes ---

    void write(std::span<const std::byte> more) {
        start_write();
        if (more.size() > available()) return write_grown(more);
        append(more);
    }
    void write(std::string_view more) { write(std::as_bytes(std::span(more.data(), more.size()))); }
    void write_string(std::string_view more) { write(more); }
    void write_byte(std::byte b) { write(std::span<const std::byte>(&b, 1)); }
    void write_byte(char c) { write_byte(static_cast<std::byte>(c)); }
    // Writes the UTF-8 encoding and returns its bytes, 1 to 4; U+FFFD for what is no Unicode scalar value.
    SYNK_API std::size_t write_rune(char32_t code);

    // Makes available() >= n: n bytes can then be written without growing.
    void grow(std::size_t n) {
        if (empty()) reset();
        if (n > available()) make_room(n);
    }
    // The same; false instead of an exception.
    [[nodiscard]] bool try_grow(std::size_t n) noexcept {
        if (empty()) reset();
        return n <= available() || try_make_room(n);
    }
    // The free space behind the unread bytes, for others to write to: available() bytes, which become unread
    // by commit(), or by write() of the part that is filled.
    [[nodiscard]] std::span<std::byte> available_buffer() noexcept { return {storage_.data() + write_, available()}; }
    // The first n bytes of available_buffer() are written. Throws std::out_of_range when n > available().
    void commit(std::size_t n) {
        if (n > available()) detail::throw_beyond("synk::buffer::commit", n, available());
        undo_ = {};
        write_ += n;
    }

    // Drops all but the first n unread bytes; the block stays. Throws std::out_of_range when n > size().
    void truncate(std::size_t n) {
        if (n > size()) detail::throw_beyond("synk::buffer::truncate", n, size());
        if (n == 0) return reset();
        undo_ = {};
        write_ = read_ + n;
    }
    // Drops everything; the block stays.
    void reset() noexcept {
        undo_ = {};
        read_ = write_ = 0;
    }

    // --- From and to elsewhere ---
    //
    // What a call has moved stays moved, however it ends: what was read is in the buffer, what was written is
    // consumed, and nothing else is. What a callable throws passes through; a stream that throws is told of below.
    // Nothing of the inner call that threw is counted. A callable must not touch the buffer that calls it.

    // Reads until end of file (end), EAGAIN (would_block) or an error; EINTR is retried. A buffer with min_read bytes
    // to spare does not grow, nor does one into which the rest of a regular file just fits. One into which it does not
    // grows once to what the file has left, up to 64 MiB at a time. Of all else each read, that of the end too, is
    // offered at least min_read bytes.
    [[nodiscard]] SYNK_API io_result read_from(int fd);
    // The same, but of the next at_most bytes alone, as of a body whose length is known: done when all of them have
    // come, and what follows them is not touched. end says that the source had fewer. 0 asks for nothing, and is done.
    // Room is made as bytes come; grow(at_most) first where they are sure to.
    [[nodiscard]] SYNK_API io_result read_from(int fd, std::size_t at_most);
    // One read; done when something has come. Of a datagram what does not fit into available_buffer() is lost, and an
    // empty one is an end: grow() first, or recv() into available_buffer() and commit().
    [[nodiscard]] SYNK_API io_result read_some(int fd);
    // Reads to the end of the stream, as an unformatted input function, and sets eofbit; only failbit when the stream
    // was not good(), only badbit when its streambuf threw. Throws, beside what growing throws, what the stream's
    // exceptions() ask for: for badbit what the streambuf threw, else std::ios_base::failure. Returns how many bytes
    // came.
    SYNK_API std::size_t read_from(std::istream& in);
    // Calls `source` until it returns 0. Returns how many bytes came. A source that claims more than it was
    // offered (as one that returns -1 does) is the caller's error.
    template <byte_source Source>
    std::size_t read_from(Source&& source);

    // Writes what is unread; done when that is all written. Throws nothing, but as with all that waits for a descriptor
    // a thread may be cancelled in it (pthread_cancel). A short write is continued, EINTR retried, and what is left
    // after EAGAIN (would_block) or an error is still unread. A pipe or socket that nobody reads raises SIGPIPE as
    // always; where that is ignored, the error is EPIPE.
    [[nodiscard]] SYNK_API io_result write_to(int fd);
    // The same; a stream that takes less, or whose streambuf throws, gets badbit, one that was not good() failbit, and
    // its exceptions() hold as above. Returns how many bytes went.
    SYNK_API std::size_t write_to(std::ostream& out);
    // Calls `sink` until nothing is unread or it returns 0. Returns how many bytes went. A sink that claims
    // more than it was offered is the caller's error.
    template <byte_sink Sink>
    std::size_t write_to(Sink&& sink);

private:
    // How many bytes unread_byte and unread_rune would give back, 0 when they may not.
    struct undo {
        std::uint8_t byte = 0;
        std::uint8_t rune = 0; // 0, or >= byte
    };

    [[nodiscard]] static std::string_view as_text(std::span<const std::byte> data) noexcept {
        return {reinterpret_cast<const char*>(data.data()), data.size()};
    }
    [[nodiscard]] std::byte* front() noexcept { return storage_.data() + read_; }
    [[nodiscard]] std::size_t at_most(std::size_t n) const noexcept { return n < size() ? n : size(); }

    // A read that finds nothing goes back to the front of the block.
    void consume(std::size_t n, undo how) noexcept {
        if (empty()) return reset();
        read_ += n;
        undo_ = how;
    }
    [[nodiscard]] bool give_back(std::size_t n) noexcept {
        read_ -= n;
        undo_ = {};
        return n != 0;
    }
    void start_write() noexcept {
        undo_ = {};
        if (empty()) read_ = write_ = 0;
    }
    // Precondition: more fits. memmove: it may be a view of this buffer.
    void append(std::span<const std::byte> more) noexcept {
        if (!more.empty()) std::memmove(storage_.data() + write_, more.data(), more.size());
        write_ += more.size();
    }
    [[nodiscard]] std::span<std::byte> room_to_read() {
        start_write();
        if (available() < min_read) make_room(min_read);
        return available_buffer();
    }

    [[nodiscard]] std::size_t keep_from() const noexcept;
    [[nodiscard]] std::size_t needed(std::size_t n) const noexcept;
    [[nodiscard]] bool holds(std::span<const std::byte> data) const noexcept;
    [[noreturn]] void throw_no_room(std::size_t n) const;
    [[nodiscard]] bool reserve_more(bytes& storage, std::size_t n) const noexcept;
    [[nodiscard]] bool change_block(std::size_t n, bytes& old) noexcept;
    void slide_down() noexcept;
    [[nodiscard]] SYNK_API bool try_make_room(std::size_t n) noexcept;
    SYNK_API void make_room(std::size_t n);
    SYNK_API void write_grown(std::span<const std::byte> more);

    // Invariants: undo_.byte, undo_.rune <= read_ <= write_ <= storage_.capacity(). The storage's own size()
    // means nothing until it is released.
    bytes storage_;
    std::size_t read_ = 0;
    std::size_t write_ = 0;
    undo undo_;
};

template <byte_source Source>
std::size_t buffer::read_from(Source&& source) {
    for (std::size_t total = 0;;) {
        const std::span<std::byte> offered = room_to_read();
        const auto n = static_cast<std::size_t>(source(offered));
        if (n == 0) return total;
        if (n > offered.size()) detail::throw_beyond("synk::buffer::read_from: a source", n, offered.size());
        write_ += n;
        total += n;
    }
}

template <byte_sink Sink>
std::size_t buffer::write_to(Sink&& sink) {
    undo_ = {};
    for (std::size_t total = 0;;) {
        if (empty()) return reset(), total;
        const auto n = static_cast<std::size_t>(sink(std::as_const(*this).unread()));
        if (n == 0) return total;
        if (n > size()) detail::throw_beyond("synk::buffer::write_to: a sink", n, size());
        read_ += n;
        total += n;
    }
}

} // namespace v1
} // namespace synk
