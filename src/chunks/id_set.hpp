// A concurrent set of small integers that knows its lowest member: a bitmap of members, a bitmap of its words
// that are not zero, a bitmap of those words.
//
//     top          |1...|                    one bit for each word of the middle
//     middle       |1..1|....|....|          one bit for each word of the bottom
//     bottom       |.1..|....|1..1| ...      one bit for each id
//
// Invariant, when nobody is inside: an upper bit is set if and only if its word is not zero.
// insert: I1 sets the member, then I2 makes sure that the bits above are set. erase: E1 clears the member; if
// that emptied the word, E2 clears the bit above and E3 looks at the word again, and puts the bit back if an
// insert came between. All are seq_cst: either E3 sees I1, or I2 comes after E2 and sets the bit anew. A
// reader that finds a set bit above an empty word clears it by the same E2, E3. A thread stopped between I1
// and I2, or E2 and E3, hides the members of one word from lowest() until the next insert there. That costs memory,
// never correctness: somebody maps a new chunk, makes a new cache, or does not find what lies idle in some.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

template <unsigned Capacity>
class id_set {
public:
    static constexpr unsigned none = ~0U;

    // True when this call put it in.
    bool insert(unsigned id) noexcept {
        const std::uint64_t bit = bit_of(id);
        const bool fresh = (bottom_[id / 64].fetch_or(bit, memory_order_seq_cst) & bit) == 0; // I1
        raise(middle_[id / 4096], bit_of(id / 64));                                           // I2
        raise(top_[id / 262144], bit_of(id / 4096));
        return fresh;
    }

    // True when this call took it out: the caller is the only one to whom that is said.
    bool erase(unsigned id) noexcept {
        const std::uint64_t bit = bit_of(id);
        const std::uint64_t before = bottom_[id / 64].fetch_and(~bit, memory_order_seq_cst); // E1
        if ((before & ~bit) == 0) lower(id / 64);
        return (before & bit) != 0;
    }

    [[nodiscard]] bool contains(unsigned id) const noexcept {
        return (bottom_[id / 64].load(memory_order_seq_cst) & bit_of(id)) != 0;
    }

    // The lowest member, as it looks now; none when the set is empty.
    [[nodiscard]] unsigned lowest() noexcept { return looks_empty() ? none : next(0); }

    // The lowest member that is not below `from`.
    [[nodiscard]] unsigned next(unsigned from) noexcept {
        unsigned patience = bottom_words;
        return find(from, patience, [](unsigned) { return ~std::uint64_t{0}; });
    }

    // The lowest one of those that is a member of `other`, too. It looks at up to `patience` words that have members
    // here, and counts them down, so that large sets which do not meet keep nobody: none when that is used up.
    [[nodiscard]] unsigned next_common(const id_set& other, unsigned from, unsigned& patience) noexcept {
        return find(from, patience, [&other](unsigned w) { return other.bottom_[w].load(memory_order_seq_cst); });
    }

private:
    // The quick answer for many sets of which few have members.
    [[nodiscard]] bool looks_empty() const noexcept {
        std::uint64_t any = 0;
        for (const auto& word : top_) any |= word.load(memory_order_seq_cst);
        return any == 0;
    }

    static constexpr unsigned bottom_words = (Capacity + 63) / 64;
    static constexpr unsigned middle_words = (bottom_words + 63) / 64;
    static constexpr unsigned top_words = (middle_words + 63) / 64;

    [[nodiscard]] static constexpr std::uint64_t bit_of(unsigned i) noexcept { return std::uint64_t{1} << (i % 64); }
    [[nodiscard]] static constexpr std::uint64_t above(unsigned bit) noexcept { return ~std::uint64_t{0} << bit; }

    static void raise(atomic<std::uint64_t>& word, std::uint64_t bit) noexcept {
        if ((word.load(memory_order_seq_cst) & bit) == 0) word.fetch_or(bit, memory_order_seq_cst);
    }

    // Clears the bits above a bottom word that looks empty, upwards as far as that empties words.
    void lower(unsigned word) noexcept {
        auto& middle = middle_[word / 64];
        const std::uint64_t left = middle.fetch_and(~bit_of(word), memory_order_seq_cst) & ~bit_of(word); // E2
        if (left == 0) lower_top(word / 64);
        if (bottom_[word].load(memory_order_seq_cst) == 0) return; // E3
        raise(middle, bit_of(word));
        raise(top_[word / 4096], bit_of(word / 64));
    }

    void lower_top(unsigned word) noexcept {
        auto& top = top_[word / 64];
        top.fetch_and(~bit_of(word), memory_order_seq_cst);                          // E2
        if (middle_[word].load(memory_order_seq_cst) != 0) raise(top, bit_of(word)); // E3
    }

    // Among the members that also(word) has.
    template <class Also>
    [[nodiscard]] unsigned find(unsigned from, unsigned& patience, Also also) noexcept {
        for (; from < Capacity && patience != 0; --patience) {
            const unsigned word = next_word(from / 64);
            if (word == none) return none;
            if (word != from / 64) from = word * 64;
            const std::uint64_t members = bottom_[word].load(memory_order_seq_cst);
            const std::uint64_t bits = members & also(word) & above(from % 64);
            if (bits != 0) return word * 64 + static_cast<unsigned>(std::countr_zero(bits));
            if (members == 0) lower(word);
            from = (word + 1) * 64;
        }
        return none;
    }

    // The lowest bottom word not below `from` that is marked as not empty.
    [[nodiscard]] unsigned next_word(unsigned from) noexcept {
        while (from < bottom_words) {
            const unsigned middle = from / 64;
            const std::uint64_t bits = middle_[middle].load(memory_order_seq_cst) & above(from % 64);
            if (bits != 0) return middle * 64 + static_cast<unsigned>(std::countr_zero(bits));
            const unsigned later = next_middle(middle + 1);
            if (later == none) return none;
            from = later * 64;
        }
        return none;
    }

    [[nodiscard]] unsigned next_middle(unsigned from) noexcept {
        for (unsigned t = from / 64; t < top_words; ++t) {
            const std::uint64_t mask = t == from / 64 ? above(from % 64) : ~std::uint64_t{0};
            const std::uint64_t bits = top_[t].load(memory_order_seq_cst) & mask;
            if (bits != 0) return t * 64 + static_cast<unsigned>(std::countr_zero(bits));
        }
        return none;
    }

    atomic<std::uint64_t> top_[top_words]{};
    atomic<std::uint64_t> middle_[middle_words]{};
    atomic<std::uint64_t> bottom_[bottom_words]{};
};

} // namespace synk::inline v1::detail
