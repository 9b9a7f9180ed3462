// A pattern over every byte of a block: no two keys agree at any word, so a byte that somebody else wrote shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace synk_test {

inline std::uint64_t pattern_word(std::uint64_t key, std::size_t index) noexcept {
    return (key * 0x9E3779B97F4A7C15U) ^ (index * 0xD1B54A32D192ED03U); // odd factors: both are one to one
}

// Calls visit(offset, word, bytes of the word) until it returns false; returns the offset of that word, or size. Whole
// words have a size that the compiler knows: it makes them one instruction.
template <class Visit>
inline std::size_t each_word(std::size_t size, std::uint64_t key, Visit visit) noexcept {
    std::size_t at = 0;
    for (; at + sizeof(key) <= size; at += sizeof(key))
        if (!visit(at, pattern_word(key, at), sizeof(key))) return at;
    return at == size || visit(at, pattern_word(key, at), size - at) ? size : at;
}

inline void fill(std::span<std::byte> memory, std::uint64_t key) noexcept {
    each_word(memory.size(), key, [memory](std::size_t at, std::uint64_t word, std::size_t n) {
        std::memcpy(memory.data() + at, &word, n);
        return true;
    });
}

inline constexpr std::size_t intact = ~std::size_t{0};

// The offset of the word where the pattern is broken; `intact` if it is not.
inline std::size_t first_broken(std::span<const std::byte> memory, std::uint64_t key) noexcept {
    const std::size_t at =
        each_word(memory.size(), key, [memory](std::size_t offset, std::uint64_t word, std::size_t n) {
            return std::memcmp(memory.data() + offset, &word, n) == 0;
        });
    return at == memory.size() ? intact : at;
}

inline bool all_zero(std::span<const std::byte> memory) noexcept {
    return memory.empty() ||
           (memory[0] == std::byte{0} && std::memcmp(memory.data(), memory.data() + 1, memory.size() - 1) == 0);
}

} // namespace synk_test
