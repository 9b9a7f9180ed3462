// How a buffer makes room, gives its storage away, and reads and writes text.
#include <synk/buffer.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <stdexcept>

#include <synk/detail/size_class.hpp>

#include "checks/errors.hpp"
#include "handles/utf8.hpp"

namespace synk::inline v1 {

void detail::throw_beyond(const char* who, std::size_t n, std::size_t limit) {
    char text[200];
    std::snprintf(text, sizeof(text), "%s: %zu bytes claimed where there are %zu; an error code as a count?", who, n,
                  limit);
    throw std::out_of_range(text);
}

bytes buffer::release_bytes() noexcept {
    undo_ = {};
    slide_down();
    storage_.resize(write_);
    reset();
    return std::move(storage_);
}

// --- Room ---

// What must survive a move starts here: the unread bytes, and before them those that may become so again.
std::size_t buffer::keep_from() const noexcept { return read_ - std::max(undo_.byte, undo_.rune); }

// The bytes that a block must hold for n more to fit. A sum that no size can tell becomes the largest size,
// which the pool refuses as one that cannot exist.
std::size_t buffer::needed(std::size_t n) const noexcept {
    const std::size_t kept = write_ - keep_from();
    return kept + std::min(n, std::numeric_limits<std::size_t>::max() - kept);
}

void buffer::throw_no_room(std::size_t n) const {
    const std::size_t least = needed(n);
    if (least > detail::max_block_size) detail::throw_impossible(least);
    detail::throw_no_memory(least);
}

// Room for n more, and where there is memory for it twice the capacity, so that n writes copy O(n) bytes; or an eighth
// more than is needed.
bool buffer::reserve_more(bytes& storage, std::size_t n) const noexcept {
    const std::size_t least = needed(n), ample = std::min(2 * capacity(), detail::max_block_size);
    if (least < ample && (storage.try_reserve(ample) || storage.try_reserve(std::min(least + least / 8, ample))))
        return true;
    return storage.try_reserve(least);
}

void buffer::slide_down() noexcept {
    const std::size_t from = keep_from();
    if (from == 0) return;
    std::memmove(storage_.data(), storage_.data() + from, write_ - from);
    read_ -= from;
    write_ -= from;
}

// Sliding only into half of the block pays every byte slid with one written before the next slide.
//
// A large block mostly grows by its page tables, without copying, so what was consumed stays where it is unless it
// is in the way. Below that, growing copies, and then only what is kept.
bool buffer::try_make_room(std::size_t n) noexcept {
    if (needed(n) <= capacity() / 2) return slide_down(), true;
    bytes old;
    if (keep_from() != 0 && capacity() <= detail::chunk_size) return change_block(n, old);
    storage_.resize(write_);
    if (!reserve_more(storage_, n)) return false;
    if (n > available()) slide_down();
    return true;
}

void buffer::make_room(std::size_t n) {
    if (!try_make_room(n)) throw_no_room(n);
}

// Moves what is kept to the front of a fresh block with room for n more; `old` becomes the one that it was in, as it
// was.
bool buffer::change_block(std::size_t n, bytes& old) noexcept {
    if (!reserve_more(old, n)) return false;
    const std::size_t from = keep_from();
    if (from != write_) std::memcpy(old.data(), storage_.data() + from, write_ - from);
    storage_.swap(old);
    read_ -= from;
    write_ -= from;
    return true;
}

bool buffer::holds(std::span<const std::byte> data) const noexcept {
    constexpr std::less<> before; // a total order, also of pointers into different blocks
    return !before(data.data(), storage_.data()) && before(data.data(), storage_.data() + capacity());
}

void buffer::write_grown(std::span<const std::byte> more) {
    if (holds(more)) {
        bytes old; // keeps `more` alive
        if (!change_block(more.size(), old)) throw_no_room(more.size());
        append(more);
    } else {
        make_room(more.size());
        append(more);
    }
}

// --- Text ---

std::optional<rune> buffer::read_rune() noexcept {
    const std::optional<rune> next = empty() ? std::nullopt : std::optional(detail::utf8_decode(unread()));
    consume(next ? next->width : 0, {1, static_cast<std::uint8_t>(next ? next->width : 0)});
    return next;
}

buffer::slice buffer::read_until(std::byte delimiter) noexcept {
    const void* const at = empty() ? nullptr : std::memchr(front(), static_cast<int>(delimiter), size());
    const auto length =
        at != nullptr ? static_cast<std::size_t>(static_cast<const std::byte*>(at) - front()) + 1 : size();
    return {next(length), at != nullptr};
}

std::size_t buffer::write_rune(char32_t code) {
    std::byte encoded[4];
    const std::size_t width = detail::utf8_encode(code, encoded);
    write(std::span<const std::byte>(encoded, width));
    return width;
}

} // namespace synk::inline v1
