// A 64-bit checksum that is fast enough to hide behind the reading: FNV-1a taken eight bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace bench {

inline constexpr std::uint64_t digest_start = 0xcbf29ce484222325; // FNV's offset basis

// Adds one word: FNV-1a's step, and then its high half folded onto its low half, for a product carries only
// upwards.
[[nodiscard]] constexpr std::uint64_t add_to_digest(std::uint64_t digest, std::uint64_t word) {
    digest = (digest ^ word) * 0x100000001b3;
    return digest ^ (digest >> 32);
}

// The words are of the machine's byte order, the last one filled up with zeros, and the length is the word
// behind them. Digests of one machine's runs are meant to be compared, not kept.
[[nodiscard]] inline std::uint64_t digest_of(std::span<const std::byte> data) {
    std::uint64_t digest = digest_start;
    for (auto rest = data; !rest.empty();) {
        std::uint64_t word = 0;
        const std::size_t n = rest.size() < sizeof word ? rest.size() : sizeof word;
        std::memcpy(&word, rest.data(), n);
        digest = add_to_digest(digest, word);
        rest = rest.subspan(n);
    }
    return add_to_digest(digest, data.size());
}

} // namespace bench
