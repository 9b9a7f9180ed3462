// UTF-8, one code point at a time, as Unicode 15, section 3.9 (table 3-7) defines it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <synk/buffer.hpp>

namespace synk::inline v1::detail {

inline constexpr char32_t replacement = 0xFFFD;

[[nodiscard]] constexpr bool is_scalar_value(char32_t code) noexcept {
    return code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF);
}

[[nodiscard]] constexpr std::size_t utf8_width(char32_t code) noexcept {
    return 1 + std::size_t{code > 0x7F} + std::size_t{code > 0x7FF} + std::size_t{code > 0xFFFF};
}

// A lead byte says how many bytes its encoding has by as many leading ones. What no encoding starts with promises more
// or fewer than any code point takes, so the last line of utf8_decode, where overlong encodings end, is its end too.
[[nodiscard]] constexpr std::size_t utf8_width_by_lead(std::uint8_t lead) noexcept {
    return std::max<std::size_t>(static_cast<std::size_t>(std::countl_one(lead)), 1);
}

// Precondition: !from.empty().
[[nodiscard]] constexpr rune utf8_decode(std::span<const std::byte> from) noexcept {
    constexpr rune bad{replacement, 1};
    const auto lead = static_cast<std::uint8_t>(from[0]);
    const std::size_t width = utf8_width_by_lead(lead);
    if (width > from.size()) return bad;
    char32_t code = width == 1 ? lead : lead & (0x7FU >> width);
    for (const std::byte next : from.subspan(1, width - 1)) {
        if ((next & std::byte{0xC0}) != std::byte{0x80}) return bad;
        code = code << 6 | (static_cast<char32_t>(next) & 0x3F);
    }
    return is_scalar_value(code) && utf8_width(code) == width ? rune{code, width} : bad;
}

// Fills the front of `into` and returns how much of it.
[[nodiscard]] constexpr std::size_t utf8_encode(char32_t code, std::span<std::byte, 4> into) noexcept {
    if (!is_scalar_value(code)) code = replacement;
    const std::size_t width = utf8_width(code);
    for (std::size_t i = width - 1; i > 0; --i, code >>= 6) into[i] = static_cast<std::byte>(0x80 | (code & 0x3F));
    const char32_t mark = width == 1 ? 0 : (0xF00U >> width) & 0xFF; // 0xC0, 0xE0, 0xF0
    into[0] = static_cast<std::byte>(mark | code);
    return width;
}

} // namespace synk::inline v1::detail
