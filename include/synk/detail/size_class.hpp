// Sizes, tiers and classes: pure arithmetic, no state.
//
// A *tier* is the specification's unit: tier t holds blocks of at most 4 KiB << t, t = 0..10. A *class* is
// finer: four to every doubling (as tcmalloc, jemalloc and mimalloc have them), so that a block need be at most a
// quarter longer than what was asked for (but see size_map in size_map.hpp):
//
//     pages   1 | 2 | 3  4 | 5  6  7  8 | 10 12 14 16 | ... | 640 768 896 1024 | 1280 ...
//     class   0 | 1 | 2  3 | 4  5  6  7 |  8  9 10 11 | ... |  32  33  34   35 |   36 ...
//     tier    0 | 1 |   2  |      3     |      4      | ... |        10        |  large
//
// Blocks of the classes above 35 are *large*: mappings of their own instead of runs of pages in a chunk.
#pragma once

#include <bit>
#include <cstddef>

namespace synk {
inline namespace v1 {
namespace detail {

inline constexpr std::size_t page_shift = 12;
inline constexpr std::size_t page_size = std::size_t{1} << page_shift;
inline constexpr unsigned tier_count = 11;
inline constexpr std::size_t chunk_shift = 22;
inline constexpr std::size_t chunk_size = std::size_t{1} << chunk_shift;
inline constexpr unsigned chunk_pages = chunk_size / page_size;

inline constexpr unsigned class_bits = 2; // 2^2 classes to the doubling
inline constexpr unsigned class_fan = 4;
static_assert(class_fan == 1U << class_bits);
inline constexpr unsigned chunk_class_count = 36;  // classes whose blocks are runs of pages in a chunk
inline constexpr unsigned cached_class_count = 68; // up to 1 GiB a block may rest in a cache or on the large shelf
inline constexpr unsigned class_limit = 204;       // every size has a class below this

// Nothing larger can be asked for: user space ends at 2^47 bytes on the machines that Linux calls 64-bit.
inline constexpr std::size_t max_block_size = std::size_t{1} << 46;

// Which doubling a size lies in, for n > 0: the highest bit of n - 1, and of all sizes up to 32 KiB the same. Of 0 it
// wraps to 63. 63 ^ countl_zero is the highest set bit: one instruction where bit_width takes three.
[[nodiscard]] constexpr unsigned doubling_of(std::size_t n) noexcept {
    return 63U ^ static_cast<unsigned>(std::countl_zero((n - 1) | (std::size_t{class_fan} << page_shift)));
}

// The least class whose blocks hold n bytes, for n > 0. 0 wraps around to class_limit - 1, the class of
// nothing.
[[nodiscard]] constexpr unsigned class_of_positive(std::size_t n) noexcept {
    // With x = pages - 1 and b = x's highest bit, at least class_bits: 4 * (b - 2) + (x >> (b - 2)). Taken from n's own
    // bits, which are page_shift more, x need not be worked out.
    const unsigned shift = doubling_of(n) - class_bits;
    return static_cast<unsigned>((n - 1) >> shift) + class_fan * (shift - unsigned{page_shift});
}

// The same for every n. The classes grow with n.
[[nodiscard]] constexpr unsigned class_of(std::size_t n) noexcept { return class_of_positive(n != 0 ? n : 1); }

// How many pages a block of this class has; class_of's inverse.
[[nodiscard]] constexpr std::size_t class_pages(unsigned cls) noexcept {
    if (cls < class_fan) return cls + 1;
    const unsigned shift = cls / class_fan - 1;
    return (std::size_t{class_fan} + cls % class_fan + 1) << shift;
}

[[nodiscard]] constexpr std::size_t class_bytes(unsigned cls) noexcept { return class_pages(cls) << page_shift; }

// The number of a class's bin, of which 0 is none: what the hit path knows a class by.
[[nodiscard]] constexpr unsigned bin_of(unsigned cls) noexcept { return cls + 1; }
[[nodiscard]] constexpr unsigned class_in(unsigned bin) noexcept { return bin - 1; }
inline constexpr unsigned bin_limit = class_limit + 1;

// The specification's tier of a request. tier_count means large.
[[nodiscard]] constexpr unsigned tier_of(std::size_t n) noexcept {
    if (n <= page_size) return 0;
    const auto tier = static_cast<unsigned>(std::bit_width((n - 1) >> page_shift));
    return tier < tier_count ? tier : tier_count;
}

[[nodiscard]] constexpr unsigned tier_of_class(unsigned cls) noexcept { return tier_of(class_bytes(cls)); }

static_assert(class_of(0) == 0 && class_of(1) == 0 && class_of(4096) == 0 && class_of(4097) == 1);
static_assert(class_of(chunk_size) == chunk_class_count - 1, "a whole chunk is the last class inside chunks");
static_assert(class_bytes(chunk_class_count - 1) == chunk_size);
static_assert(class_bytes(cached_class_count - 1) == std::size_t{1} << 30);
static_assert(class_of_positive(~std::size_t{0}) < class_limit && class_of_positive(0) == class_limit - 1,
              "every size indexes the cache's table of bins");
static_assert(tier_of(4096) == 0 && tier_of(4097) == 1 && tier_of(chunk_size) == 10 && tier_of(chunk_size + 1) == 11);

} // namespace detail
} // namespace v1
} // namespace synk
