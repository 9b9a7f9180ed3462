// A second opinion on UTF-8: the table of well-formed byte sequences (Unicode 15, table 3-7), row by row.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <synk/buffer.hpp>

namespace reference {

struct row {
    unsigned char lead_from, lead_to, second_from, second_to;
    std::size_t width;
};

inline constexpr row well_formed[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

inline unsigned char at(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }

inline bool matches(const row& r, std::string_view s) {
    if (s.size() < r.width || at(s, 0) < r.lead_from || at(s, 0) > r.lead_to) return false;
    if (at(s, 1) < r.second_from || at(s, 1) > r.second_to) return false;
    for (std::size_t i = 2; i < r.width; ++i)
        if (at(s, i) < 0x80 || at(s, i) > 0xBF) return false;
    return true;
}

// Precondition: !s.empty().
inline synk::rune decode(std::string_view s) {
    if (at(s, 0) < 0x80) return {at(s, 0), 1};
    for (const row& r : well_formed) {
        if (!matches(r, s)) continue;
        char32_t code = at(s, 0) % (1U << (7 - r.width));
        for (std::size_t i = 1; i < r.width; ++i) code = code * 64 + at(s, i) % 64;
        return {code, r.width};
    }
    return {0xFFFD, 1};
}

inline std::string encode(char32_t code) {
    const auto part = [&](char32_t mark, int shift, char32_t mask) {
        return static_cast<char>(static_cast<unsigned char>(mark | ((code >> shift) & mask)));
    };
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return "\xEF\xBF\xBD";
    if (code < 0x80) return {part(0, 0, 0x7F)};
    if (code < 0x800) return {part(0xC0, 6, 0x1F), part(0x80, 0, 0x3F)};
    if (code < 0x10000) return {part(0xE0, 12, 0x0F), part(0x80, 6, 0x3F), part(0x80, 0, 0x3F)};
    return {part(0xF0, 18, 0x07), part(0x80, 12, 0x3F), part(0x80, 6, 0x3F), part(0x80, 0, 0x3F)};
}

} // namespace reference
