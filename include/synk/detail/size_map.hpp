// Which bin serves a size: that of its class; or, while few lengths serve all sizes above 64 KiB up to a chunk, that of
// the least of 256 KiB, 1 MiB and 4 MiB which holds it.
//
// Thread safety: its thread's, and that of the signal handlers which interrupt it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <synk/detail/size_class.hpp>

namespace synk {
inline namespace v1 {
namespace detail {

// For each doubling an entry, of two numbers in one word: how far n - 1 is shifted to the right, and what the bin's
// number is then more than that. volatile: a signal handler may write it between two reads of its own thread, and a
// shift of the one kind with an offset of the other would be a bin of shorter blocks. So it is read once. Each entry by
// itself is right, whatever the others are: a handler may come in the middle of a change, and make its own.
class size_map {
public:
    static constexpr unsigned first_common = 16; // above 64 KiB: shorter ones save too little to be worth their waste
    static constexpr unsigned common_end = chunk_shift;
    static constexpr std::size_t least_common = (std::size_t{1} << first_common) + 1;

    // The common length that holds n, for least_common <= n <= chunk_size: less than four times as much.
    [[nodiscard]] static constexpr std::size_t common_length(std::size_t n) noexcept {
        return std::size_t{2} << longest_with(doubling_of(n));
    }

private:
    static constexpr unsigned least = class_bits + page_shift; // see doubling_of

    // Each length serves two doublings.
    static constexpr unsigned longest_with(unsigned doubling) noexcept { return doubling | 1; }
    static_assert(first_common % 2 == 0 && common_end % 2 == 0);

    static constexpr std::uint16_t by_class(unsigned doubling) noexcept {
        return static_cast<std::uint16_t>((doubling - class_bits) | bin_of(class_fan * (doubling - least)) << 8);
    }
    // Of n - 1 nothing is left.
    static constexpr std::uint16_t in_common(unsigned doubling) noexcept {
        const unsigned longest = longest_with(doubling);
        return static_cast<std::uint16_t>((longest + 1) | bin_of(class_of_positive(std::size_t{2} << longest)) << 8);
    }
    static constexpr std::uint16_t at_first(unsigned doubling) noexcept {
        return doubling < first_common || doubling >= common_end ? by_class(doubling) : in_common(doubling);
    }
    template <unsigned... Doubling>
    constexpr explicit size_map(std::integer_sequence<unsigned, Doubling...>) noexcept
        : entries_{at_first(least + Doubling)...} {}

public:
    constexpr size_map() noexcept : size_map(std::make_integer_sequence<unsigned, 64 - least>()) {}

    // For n > 0; of 0 the last bin, which is always empty.
    [[nodiscard, gnu::always_inline]] unsigned bin_for(std::size_t n) const noexcept {
        const unsigned doubling = doubling_of(n);
        if (__builtin_constant_p(doubling) && doubling < first_common) return bin_of(class_of_positive(n));
        const unsigned entry = entries_[doubling - least];
        return static_cast<unsigned>((n - 1) >> (entry & 63)) + (entry >> 8);
    }

    // A thread begins so.
    [[nodiscard]] bool serves_few_lengths() const noexcept {
        return entries_[first_common - least] != by_class(first_common);
    }
    // The entry that says so is the first that becomes a class's and the last that does no longer: of a handler's
    // change in the middle of another something common may remain, but then it is said, and the next look changes it.
    void serve_few_lengths(bool on) noexcept {
        if (on)
            for (unsigned doubling = common_end; doubling-- > first_common;) set(doubling, in_common(doubling));
        else
            for (unsigned doubling = first_common; doubling < common_end; ++doubling) set(doubling, by_class(doubling));
    }

private:
    void set(unsigned doubling, std::uint16_t entry) noexcept { entries_[doubling - least] = entry; }

    volatile std::uint16_t entries_[64 - least];
};
static_assert(bin_limit <= 256, "a bin's number fits into a byte");

} // namespace detail
} // namespace v1
} // namespace synk
