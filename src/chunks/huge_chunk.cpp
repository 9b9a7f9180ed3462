#include "chunks/huge_chunk.hpp"

#include "chunks/chunk_index.hpp"
#include "pages/mapping.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

bool on_huge_pages(const chunk& c) noexcept { return c.on_huge_pages.load(memory_order_relaxed); } // relaxed: a hint

// A free run is awake, and resident if the chunk is on huge pages. Returns how many of its pages were gone. They are
// counted before anybody else can have them.
unsigned wake(chunk& c, page_run run) noexcept {
    if (!c.owned.claim_at(run)) return 0;
    counters.chunk_weak.sub(c.weak.clear(run) * page_size);
    const unsigned were_gone = on_huge_pages(c) ? c.gone.clear(run) : 0;
    counters.chunk_warm.add(were_gone * page_size);
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

void advise_pages(chunk& c, bool huge) noexcept {
    if (on_huge_pages(c) == huge) return;
    const bool done = huge ? advise_huge(c.start(), chunk_size) : advise_small(c.start(), chunk_size);
    if (done) c.on_huge_pages.store(huge, memory_order_relaxed); // relaxed: as base
}

} // namespace

void begin_on(chunk& c, bool huge) noexcept {
    c.on_huge_pages.store(false, memory_order_relaxed); // relaxed: as base
    if (!huge) advise_small(c.start(), chunk_size);
}

void settle_huge_pages(chunk& c, bool wanted) noexcept {
    advise_pages(c, wanted);
    c.had_huge_pages.store(on_huge_pages(c), memory_order_relaxed); // relaxed: as base
}

void return_to_huge_pages(chunk& c) noexcept {
    if (on_huge_pages(c)) return;
    advise_pages(c, true);
    if (on_huge_pages(c)) static_cast<void>(advise_gone(c.start(), chunk_size));
}

std::size_t wake_neighbours(chunk& c, page_run run) noexcept {
    const page_run around = huge_pages_around(run);
    const unsigned end = run.first + run.pages;
    const std::size_t warmed =
        (wake_between(c, around.first, run.first) + wake_between(c, end, around.first + around.pages)) * page_size;
    warm_chunks->insert(c.id); // a visit may have found claimed what was woken
    return warmed;
}

void leave_huge_pages_for(chunk& c, page_run run) noexcept {
    if (on_huge_pages(c) && huge_pages_around(run).pages != run.pages) advise_pages(c, false);
}

} // namespace synk::inline v1::detail
