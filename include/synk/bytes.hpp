// synk::bytes: a pooled buffer of bytes and its owner.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <synk/detail/config.hpp>
#include <synk/detail/thread_cache.hpp>

namespace synk {
inline namespace v1 {

class sized_pool;
class unsized_pool;

// A move-only owner of one block of the pool.
//
// Ownership: the block is put back when the handle dies, is reset or assigned to. A moved-from handle is
// empty, and so is a default-constructed one: size() and capacity() are 0, data() is null; every member may
// be called on it, growing an empty handle gets a block. Contents: bytes that nobody wrote through this
// handle are unspecified (options::zero_on_get makes them zero). Alignment: data() stands on a 4096-byte
// boundary. Thread safety: distinct handles may be used from any threads at once; one handle is like an int.
// A block may be put by another thread than the one that got it, and a handle may outlive main(). Errors:
// what grows throws std::length_error for a size that cannot exist and std::bad_alloc when there is no
// memory, and then leaves the handle as it was. Everything else is noexcept. errno is left as it was.
//
//     synk::bytes page = synk::get_sized_pool().get_sized(16384);
//     const ssize_t n = ::read(fd, page.data(), page.size());
class bytes {
public:
    using value_type = std::byte;
    using size_type = std::size_t;
    using iterator = std::byte*;
    using const_iterator = const std::byte*;

    constexpr bytes() noexcept = default;
    bytes(bytes&& other) noexcept : block_(std::exchange(other.block_, {})), size_(std::exchange(other.size_, 0)) {}
    bytes& operator=(bytes&& other) noexcept {
        const auto block = std::exchange(other.block_, {}); // first: `other` may be this very handle
        const auto size = std::exchange(other.size_, 0);
        reset();
        block_ = block;
        size_ = size;
        return *this;
    }
    bytes(const bytes&) = delete;
    bytes& operator=(const bytes&) = delete;
    [[gnu::always_inline]] ~bytes() { reset(); }

    [[nodiscard]] std::byte* data() noexcept { return block_.data; }
    [[nodiscard]] const std::byte* data() const noexcept { return block_.data; }
    // Bytes in use; what begin() and end() span.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // Bytes that the block holds: whole pages, at least what was asked for (of a guarded block, in hardened mode,
    // exactly that).
    [[nodiscard]] std::size_t capacity() const noexcept { return block_.capacity(); }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    // True when the handle owns a block, of whatever size().
    [[nodiscard]] explicit operator bool() const noexcept { return block_.data != nullptr; }

    // These make it a contiguous range: it converts to std::span<std::byte> and, when const or not, to
    // std::span<const std::byte>.
    [[nodiscard]] iterator begin() noexcept { return data(); }
    [[nodiscard]] iterator end() noexcept { return data() + size_; }
    [[nodiscard]] const_iterator begin() const noexcept { return data(); }
    [[nodiscard]] const_iterator end() const noexcept { return data() + size_; }
    // Precondition: i < size().
    [[nodiscard]] std::byte& operator[](std::size_t i) noexcept {
        assert(i < size_);
        return block_.data[i];
    }
    [[nodiscard]] const std::byte& operator[](std::size_t i) const noexcept {
        assert(i < size_);
        return block_.data[i];
    }

    // Sets size(). Bytes that come new into view are unspecified; a growth past the capacity moves to a
    // larger block and puts the old one back, which ends the validity of pointers into it.
    void resize(std::size_t n) {
        reserve(n);
        size_ = n;
    }
    // Makes capacity() >= n; size() and the contents stay.
    void reserve(std::size_t n) {
        if (n > block_.capacity()) grow(n);
    }
    // The same; false instead of an exception.
    [[nodiscard]] bool try_reserve(std::size_t n) noexcept { return n <= block_.capacity() || try_grow(n); }
    // Adds bytes behind the last one. The capacity at least doubles when it grows (where there is no memory for that,
    // it grows by an eighth, or by what is needed), so that n appends copy O(n) bytes. `more` may lie inside this very
    // block.
    void append(std::span<const std::byte> more) {
        if (more.empty()) return;
        if (more.size() > block_.capacity() - size_) return append_grown(more);
        std::memmove(block_.data + size_, more.data(), more.size());
        size_ += more.size();
    }
    void append(std::string_view more) { append(std::as_bytes(std::span(more.data(), more.size()))); }

    // size() becomes 0; the block stays.
    void clear() noexcept { size_ = 0; }
    // The block goes back to the pool; the handle is empty.
    [[gnu::always_inline]] void reset() noexcept {
        if (block_.data != nullptr) detail::put(std::exchange(block_, {}));
        size_ = 0;
    }
    void swap(bytes& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(size_, other.size_);
    }
    friend void swap(bytes& a, bytes& b) noexcept { a.swap(b); }

    // Gives the block out of the handle's hands, for code that must carry a bare pointer. It comes back by
    // adopt(), by sized_pool::deallocate() or by synk_put(). Null when the handle is empty.
    [[nodiscard]] std::byte* release() noexcept {
        if (block_.data != nullptr) detail::lend_bare(block_.data);
        size_ = 0;
        return std::exchange(block_, {}).data;
    }
    // Takes over what release() or allocate() gave out; size() is then the whole capacity. A pointer that is
    // not the start of a block so lent ends the process with a line that says what it is. Null gives an empty
    // handle.
    [[nodiscard]] static bytes adopt(void* p) noexcept {
        if (p == nullptr) return {};
        const detail::held_block b = detail::take_bare("adopt", p);
        return bytes(b, b.capacity());
    }

private:
    friend class sized_pool;
    friend class unsized_pool;

    bytes(detail::held_block b, std::size_t size) noexcept : block_(b), size_(size) {}

    // Out of line: these are paths that touch memory anyway.
    SYNK_API void grow(std::size_t n);
    SYNK_API bool try_grow(std::size_t n) noexcept;
    SYNK_API void append_grown(std::span<const std::byte> more);

    detail::held_block block_; // data is null exactly when capacity is 0
    std::size_t size_ = 0;     // <= block_.capacity
};

} // namespace v1
} // namespace synk
