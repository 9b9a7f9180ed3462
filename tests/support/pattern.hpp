// A pattern over every byte of a block: no two keys agree at any word, so a byte that somebody else wrote shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace synk_test {

// Always inline: the sanitizers' variants are compiled with -Og, and would spend much of their time in calls.
[[gnu::always_inline]] inline std::uint64_t pattern_word(std::uint64_t key, std::size_t index) noexcept {
    return (key * 0x9E3779B97F4A7C15U) ^ (index * 0xD1B54A32D192ED03U); // odd factors: both are one to one
}

// Whole words are copied with a size that the compiler knows: it makes them one instruction.
inline void fill(std::span<std::byte> memory, std::uint64_t key) noexcept {
    std::size_t at = 0;
    for (; at + sizeof(key) <= memory.size(); at += sizeof(key)) {
        const std::uint64_t word = pattern_word(key, at);
        std::memcpy(memory.data() + at, &word, sizeof(word));
    }
    const std::uint64_t last = pattern_word(key, at);
    if (at != memory.size()) std::memcpy(memory.data() + at, &last, memory.size() - at);
}

inline constexpr std::size_t intact = ~std::size_t{0};

// The offset of the word where the pattern is broken; `intact` if it is not.
inline std::size_t first_broken(std::span<const std::byte> memory, std::uint64_t key) noexcept {
    std::size_t at = 0;
    for (; at + sizeof(key) <= memory.size(); at += sizeof(key)) {
        std::uint64_t word = 0;
        std::memcpy(&word, memory.data() + at, sizeof(word));
        if (word != pattern_word(key, at)) return at;
    }
    if (at == memory.size()) return intact;
    std::uint64_t last = pattern_word(key, at); // of which what lies beyond the memory stays
    std::memcpy(&last, memory.data() + at, memory.size() - at);
    return last == pattern_word(key, at) ? intact : at;
}

inline bool all_zero(std::span<const std::byte> memory) noexcept {
    return memory.empty() ||
           (memory[0] == std::byte{0} && std::memcmp(memory.data(), memory.data() + 1, memory.size() - 1) == 0);
}

} // namespace synk_test
