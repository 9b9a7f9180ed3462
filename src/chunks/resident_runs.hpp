// Looks for free pages that have memory behind them: to cut blocks out of those costs no page fault.
//
// Thread safety: every function from any thread. What is found is as it looks now; claim_run() it before touching it.
#pragma once

#include "chunks/chunk.hpp"

namespace synk::inline v1::detail {

struct found_run {
    chunk* c = nullptr; // null: none
    page_run run;
    unsigned cost = ~0U; // the least is the best
};

// Of up to `enough` runs of resident pages that hold n the shortest, in chunks whose longest free runs are of the
// classes from this one to below `end`.
[[nodiscard]] found_run find_resident(unsigned n, unsigned cls, unsigned end, unsigned enough) noexcept;

// The place for a block of this class of whose pages the fewest have no memory; none where none would have any.
[[nodiscard]] found_run find_least_gone(unsigned cls) noexcept;

} // namespace synk::inline v1::detail
