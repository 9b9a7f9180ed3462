#include <synk/bytes.hpp>

#include "checks/errors.hpp"

namespace synk::inline v1 {

void bytes::grow(std::size_t n) { block_ = detail::regrow(block_, size_, n); }

// The old block must outlive the copy: `more` may lie in it.
void bytes::append_grown(std::span<const std::byte> more) {
    if (more.size() > detail::max_block_size) detail::throw_impossible(more.size());
    const std::size_t needed = size_ + more.size();
    const std::size_t doubled = block_.capacity() * 2;
    bytes larger(detail::get(needed > doubled ? needed : doubled), needed);
    if (size_ != 0) std::memcpy(larger.data(), block_.data, size_);
    std::memcpy(larger.data() + size_, more.data(), more.size());
    swap(larger);
}

} // namespace synk::inline v1
