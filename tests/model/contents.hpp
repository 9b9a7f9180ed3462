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

// Calls visit(memory, word) for each part of the memory that lies in one word of the pattern, which begins at position
// `from`; until it returns false. Returns whether it never did.
template <class Memory, class Visit>
bool each_word(Memory memory, std::uint64_t key, std::size_t from, Visit visit) {
    while (!memory.empty()) {
        const std::size_t skip = from % 8;
        const std::size_t n = std::min(memory.size(), 8 - skip);
        const std::uint64_t word = synk_test::pattern_word(key, from - skip) >> (8 * skip);
        if (!visit(memory.data(), word, n)) return false;
        memory = memory.subspan(n);
        from += n;
    }
    return true;
}

inline void write_from(std::span<std::byte> memory, std::uint64_t key, std::size_t from) {
    each_word(memory, key, from, [](std::byte* at, std::uint64_t word, std::size_t n) {
        std::memcpy(at, &word, n);
        return true;
    });
}

[[nodiscard]] inline bool reads_from(std::span<const std::byte> memory, std::uint64_t key, std::size_t from) {
    return each_word(memory, key, from, [](const std::byte* at, std::uint64_t word, std::size_t n) {
        return std::memcmp(at, &word, n) == 0;
    });
}

} // namespace synk_model
