#include "chunks/huge_chunk.hpp"

#include "chunks/chunk_index.hpp"
#include "pages/mapping.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

bool on_huge_pages(const chunk& c) noexcept { return c.on_huge_pages.load(memory_order_relaxed); } // relaxed: a hint

// A free run is awake. Returns how many of its pages were gone.
unsigned wake(chunk& c, page_run run) noexcept {
    if (!c.owned.claim_at(run)) return 0;
    counters.chunk_weak.sub(c.weak.clear(run) * page_size);
    const unsigned were_gone = c.gone.clear(run);
    if (!c.owned.release(run)) fail_record(c.at(run.first));
    return were_gone;
}

page_run cut_off_at(page_run run, unsigned end) noexcept {
    if (run.first >= end) return {};
    return {run.first, run.first + run.pages < end ? run.pages : end - run.first};
}

unsigned wake_between(chunk& c, unsigned first, unsigned end) noexcept {
    unsigned were_gone = 0;
    for (page_run run = cut_off_at(c.owned.next_free(first), end); run.pages != 0;
         run = cut_off_at(c.owned.next_free(run.first + run.pages), end))
        were_gone += wake(c, run);
    return were_gone;
}

} // namespace

void settle_huge_pages(chunk& c, bool wanted) noexcept {
    if (on_huge_pages(c) == wanted) return;
    const bool done = wanted ? advise_huge(c.start(), chunk_size) : advise_small(c.start(), chunk_size);
    if (done) c.on_huge_pages.store(wanted, memory_order_relaxed); // relaxed: as base
}

void return_to_huge_pages(chunk& c) noexcept {
    if (on_huge_pages(c)) return;
    settle_huge_pages(c, true);
    if (on_huge_pages(c)) static_cast<void>(advise_gone(c.start(), chunk_size));
}

std::size_t wake_neighbours(chunk& c, page_run run) noexcept {
    if (!on_huge_pages(c)) return 0;
    const page_run around = huge_pages_around(run);
    const unsigned end = run.first + run.pages;
    const std::size_t warmed =
        (wake_between(c, around.first, run.first) + wake_between(c, end, around.first + around.pages)) * page_size;
    counters.chunk_warm.add(warmed);
    warm_chunks->insert(c.id); // a visit may have found claimed what was woken
    return warmed;
}

void leave_huge_pages_for(chunk& c, page_run run) noexcept {
    if (on_huge_pages(c) && huge_pages_around(run).pages != run.pages) settle_huge_pages(c, false);
}

} // namespace synk::inline v1::detail
