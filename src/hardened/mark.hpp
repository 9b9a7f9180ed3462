// Bytes that nobody should touch are filled with a mark, and looked at again later.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace synk::inline v1::detail {

// No letter, no small number, no byte of a usual address. A write of this very byte goes unnoticed.
inline constexpr std::byte untouched{0xC5};

inline void mark(std::byte* at, std::size_t size) noexcept { std::memset(at, static_cast<int>(untouched), size); }

// The offset of the first byte that is not as mark() left it; size when all are.
[[nodiscard]] inline std::size_t first_touched(const std::byte* at, std::size_t size) noexcept {
    // Every byte equals the one before it: one pass of memcmp.
    if (size == 0 || (*at == untouched && std::memcmp(at, at + 1, size - 1) == 0)) return size;
    return static_cast<std::size_t>(std::find_if(at, at + size, [](std::byte b) { return b != untouched; }) - at);
}

} // namespace synk::inline v1::detail
