#include <synk/bytes.hpp>

#include <algorithm>
#include <cstdint>

#include "checks/errors.hpp"

namespace synk::inline v1 {

void bytes::grow(std::size_t n) { block_ = detail::regrow(block_, size_, n); }

bool bytes::try_grow(std::size_t n) noexcept {
    const detail::held_block grown = detail::try_regrow(block_, size_, n);
    if (grown.data == nullptr) return false;
    block_ = grown;
    return true;
}

// `more` may lie in the block that is about to go, and is then carried along, up to its end.
void bytes::append_grown(std::span<const std::byte> more) {
    if (more.size() > detail::max_block_size) detail::throw_impossible(more.size());
    const std::size_t needed = size_ + more.size(), capacity = block_.capacity();
    const auto at = reinterpret_cast<std::uintptr_t>(more.data()) - reinterpret_cast<std::uintptr_t>(block_.data);
    const bool own = at < capacity;
    const std::size_t used = own ? std::min(capacity, std::max(size_, at + more.size())) : size_;
    const std::size_t ample = std::min(2 * capacity, detail::max_block_size);
    detail::held_block grown;
    if (needed < ample) {
        grown = detail::try_regrow(block_, used, ample);
        if (grown.data == nullptr) grown = detail::try_regrow(block_, used, std::min(needed + needed / 8, ample));
    }
    block_ = grown.data != nullptr ? grown : detail::regrow(block_, used, needed);
    std::memmove(block_.data + size_, own ? block_.data + at : more.data(), more.size());
    size_ = needed;
}

} // namespace synk::inline v1
