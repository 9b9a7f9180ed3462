// What a thread knows: a clock for each thread (how far it has followed it) and, for each atomic object, the oldest
// store that it may still read, as a position in the object's modification order.
#pragma once

#include <cstdint>

namespace synk_explorer {

class view {
public:
    static constexpr unsigned clocks = 8;     // threads at most
    static constexpr unsigned capacity = 512; // clocks and atomic objects
    static constexpr unsigned lanes = 8;      // entries that the processor handles at once
    static_assert(clocks == lanes, "the first row has the clocks and nothing else");

    // Rows of `lanes` entries; callers say how many are in use, the others have no meaning.
    void clear(unsigned begin, unsigned end) noexcept {
        for (unsigned r = begin; r < end; ++r) row_[r] = row{};
    }
    void copy(const view& from, unsigned rows) noexcept {
        for (unsigned r = 0; r < rows; ++r) row_[r] = from.row_[r];
    }
    void join(const view& other, unsigned rows) noexcept { join_from(0, other, rows); }
    // The positions alone: what is seen, without the right to touch plain data that comes with being told.
    void join_positions(const view& other, unsigned rows) noexcept { join_from(1, other, rows); }

    void tick(unsigned thread) noexcept { ++row_[0][thread]; }
    [[nodiscard]] std::int16_t clock(unsigned thread) const noexcept { return row_[0][thread]; }
    [[nodiscard]] std::int16_t position(unsigned object) const noexcept {
        return row_[1 + object / lanes][object % lanes];
    }
    void set_position(unsigned object, unsigned to) noexcept {
        row_[1 + object / lanes][object % lanes] = static_cast<std::int16_t>(to);
    }
    void raise_position(unsigned object, unsigned to) noexcept {
        if (position(object) < static_cast<int>(to)) set_position(object, to);
    }

private:
    using row = std::int16_t __attribute__((vector_size(lanes * sizeof(std::int16_t))));

    void join_from(unsigned first, const view& other, unsigned rows) noexcept {
        for (unsigned r = first; r < rows; ++r) row_[r] = row_[r] > other.row_[r] ? row_[r] : other.row_[r];
    }

    row row_[capacity / lanes];
};

} // namespace synk_explorer
