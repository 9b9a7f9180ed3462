// What MEMORY_PRESSURE_WRITE is encoded in (RFC 4648).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace synk::inline v1::detail {

// Decodes into out; returns the size, 0 when the text is not base64 or does not fit.
[[nodiscard]] inline std::size_t decode_base64(const char* text, char* out, std::size_t size) noexcept {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::uint32_t bits = 0;
    unsigned count = 0;
    std::size_t done = 0;
    for (; *text != '\0' && *text != '='; ++text) {
        const char* const digit = std::strchr(digits, *text);
        if (digit == nullptr) return 0;
        bits = bits << 6 | static_cast<std::uint32_t>(digit - digits);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        if (done == size) return 0;
        out[done++] = static_cast<char>(bits >> count & 0xFF);
    }
    return done;
}

} // namespace synk::inline v1::detail
