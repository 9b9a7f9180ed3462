// What is in the bytes: a word is a function of a key and its position, wherever in memory it comes to lie.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "support/pattern.hpp"

namespace synk_model {

// Never twice the same, in any thread.
inline std::uint64_t next_key() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

// The bytes of a word from the `skip`th on.
inline std::uint64_t part_of_word(std::uint64_t key, std::size_t position) {
    return synk_test::pattern_word(key, position / 8 * 8) >> (position % 8 * 8);
}

// Calls visit(at, word, n) for the parts of [0, size) that lie in one word of the sequence, which is at position `from`
// there; until it returns false. Returns whether it never did.
template <class Visit>
bool each_part(std::size_t size, std::uint64_t key, std::size_t from, Visit visit) {
    std::size_t at = std::min(size, (8 - from % 8) % 8);
    if (at != 0 && !visit(0, part_of_word(key, from), at)) return false;
    for (; at + 8 <= size; at += 8)
        if (!visit(at, part_of_word(key, from + at), 8)) return false;
    return at == size || visit(at, part_of_word(key, from + at), size - at);
}

inline void write_from(std::span<std::byte> memory, std::uint64_t key, std::size_t from) {
    each_part(memory.size(), key, from, [memory](std::size_t at, std::uint64_t word, std::size_t n) {
        std::memcpy(memory.data() + at, &word, n);
        return true;
    });
}

[[nodiscard]] inline bool reads_from(std::span<const std::byte> memory, std::uint64_t key, std::size_t from) {
    return each_part(memory.size(), key, from, [memory](std::size_t at, std::uint64_t word, std::size_t n) {
        return std::memcmp(memory.data() + at, &word, n) == 0;
    });
}

} // namespace synk_model
