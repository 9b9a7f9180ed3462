// Chunks on huge pages (2 MiB, two of them in a chunk).
//
// One touch makes a whole huge page resident and, if it was weak, in use again, whoever owns the rest of it. So in a
// chunk on huge pages
//     (1) a huge page is gone, or weak, as a whole or not at all: a claim of a part of it wakes the rest;
//     (2) only whole huge pages become gone. Before a part of one goes, the chunk leaves huge pages, so that what is
//         touched there later comes by 4 KiB.
// What was weak before that may still be a huge page, and is woken as a whole, too.
// A chunk returns to huge pages when it is wholly free and gone, and cut anew. A thread that claims pages while another
// changes a neighbour may miss it: then up to a huge page is resident that is known as gone, until its pages are used
// and given back again.
#pragma once

#include <cstddef>

#include "chunks/chunk.hpp"

namespace synk::inline v1::detail {

inline constexpr unsigned pages_of_huge = 512;

// The huge pages that a run lies in; and those that lie in the run, none if it holds no whole one.
[[nodiscard]] constexpr page_run huge_pages_around(page_run run) noexcept {
    const unsigned first = run.first / pages_of_huge * pages_of_huge;
    const unsigned end = (run.first + run.pages + pages_of_huge - 1) / pages_of_huge * pages_of_huge;
    return {first, end - first};
}
[[nodiscard]] constexpr page_run huge_pages_within(page_run run) noexcept {
    const unsigned first = (run.first + pages_of_huge - 1) / pages_of_huge * pages_of_huge;
    const unsigned end = (run.first + run.pages) / pages_of_huge * pages_of_huge;
    return end > first ? page_run{first, end - first} : page_run{};
}

// The chunk is new. Where small pages are wanted that is said, too: the system may be set to use huge ones by itself.
void begin_on(chunk& c, bool huge) noexcept;

// The chunk is wholly the caller's and gone: puts it on huge pages, or not.
void settle_huge_pages(chunk& c, bool wanted) noexcept;

// The same chunk has been in use before. Small pages that went one after another have left their tables behind, empty,
// and where one is no huge page comes. Linux 6.14 and later take back those that one advice covers as a whole.
void return_to_huge_pages(chunk& c) noexcept;

// The run is the caller's and is about to be used: (1). Returns the bytes of free pages beside it that are resident
// from now on, but for those that another thread claims just now. relist() is the caller's to do.
[[nodiscard]] std::size_t wake_neighbours(chunk& c, page_run run) noexcept;

// The run is about to lose its memory: (2).
void leave_huge_pages_for(chunk& c, page_run run) noexcept;

} // namespace synk::inline v1::detail
