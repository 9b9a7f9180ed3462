// A pattern over every byte of a block: no two keys agree at any word, so a byte that somebody else wrote shows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace synk_test {

inline std::uint64_t pattern_word(std::uint64_t key, std::size_t index) noexcept {
    return (key * 0x9E3779B97F4A7C15U) ^ (index * 0xD1B54A32D192ED03U); // odd factors: both are one to one
}

inline void fill(std::span<std::byte> memory, std::uint64_t key) noexcept {
    for (std::size_t at = 0; at < memory.size(); at += sizeof(key)) {
        const std::uint64_t word = pattern_word(key, at);
        std::memcpy(memory.data() + at, &word, std::min(sizeof(word), memory.size() - at));
    }
}

inline constexpr std::size_t intact = ~std::size_t{0};

// The offset of the word where the pattern is broken; `intact` if it is not.
inline std::size_t first_broken(std::span<const std::byte> memory, std::uint64_t key) noexcept {
    for (std::size_t at = 0; at < memory.size(); at += sizeof(key)) {
        const std::uint64_t word = pattern_word(key, at);
        if (std::memcmp(memory.data() + at, &word, std::min(sizeof(word), memory.size() - at)) != 0) return at;
    }
    return intact;
}

inline bool all_zero(std::span<const std::byte> memory) noexcept {
    return memory.empty() ||
           (memory[0] == std::byte{0} && std::memcmp(memory.data(), memory.data() + 1, memory.size() - 1) == 0);
}

} // namespace synk_test
