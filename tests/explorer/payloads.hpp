// Things that one thread at a time may own: whoever owns one writes to it, so that two owners are a race.
#pragma once

#include <cstddef>

#include "explorer/atomic.hpp"
#include "explorer/explore.hpp"

namespace synk_explorer {

template <unsigned Count>
class payloads {
public:
    // The caller owns it now.
    void use(unsigned i) noexcept {
        require(i < Count, "what was got does not exist");
        content_[i] = content_[i] + 1;
    }
    void use(unsigned first, unsigned count) noexcept {
        for (unsigned i = first; i < first + count; ++i) use(i);
    }

    // As a block, for code that moves pointers.
    [[nodiscard]] std::byte* block(unsigned i) noexcept { return reinterpret_cast<std::byte*>(&content_[i]); }
    [[nodiscard]] unsigned number(const std::byte* block) const noexcept {
        const std::ptrdiff_t distance = block - reinterpret_cast<const std::byte*>(content_);
        return block == nullptr ? Count : static_cast<unsigned>(distance / std::ptrdiff_t{sizeof(plain<int>)});
    }

private:
    plain<int> content_[Count];
};

} // namespace synk_explorer
