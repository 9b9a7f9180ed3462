#include "chunks/resident_runs.hpp"

#include <algorithm>

#include "chunks/chunk_index.hpp"

namespace synk::inline v1::detail {

namespace {

// Visits chunks with resident free pages whose longest free runs are of the classes from this one to below `end`: the
// shortest ones first, until `visit` returns false or `most` have been visited.
template <class Visit>
void each_warm_with_room(unsigned cls, unsigned end, unsigned most, Visit visit) noexcept {
    unsigned words = 32; // of 64 chunks
    for (; cls < end; ++cls) {
        chunk_set& set = *chunks_by_class[cls];
        for (unsigned id = set.lowest(); id != chunk_set::none; ++id) {
            id = set.next_common(*warm_chunks, id, words);
            if (id == chunk_set::none) break;
            if (most-- == 0 || !visit(*chunks->at(id))) return;
        }
    }
}

// The place for n pages with the fewest that are gone, in one of a chunk's free runs that are not wholly so. A page
// that is gone counts as much as 32 by which the run is longer.
void find_least_gone(chunk& c, unsigned n, found_run& best) noexcept {
    const auto gone = [&c](unsigned w) { return c.gone.word(w); };
    for (page_run free = c.owned.next_free(0); free.pages != 0; free = c.owned.next_free(free.first + free.pages)) {
        if (free.pages < n) continue;
        const unsigned end = free.first + free.pages;
        const auto consider = [&](unsigned first) {
            const page_run run{first, n};
            const unsigned cost = 32 * c.gone.count(run) + free.pages;
            if (cost < best.cost) best = {&c, run, cost};
        };
        // One of the best begins where a resident run does, or ends where one does.
        for (page_run r = c.owned.next_free(free.first, gone); r.pages != 0 && r.first < end;
             r = c.owned.next_free(r.first + r.pages, gone)) {
            consider(std::min(r.first, end - n));
            consider(std::max(std::min(r.first + r.pages, end), free.first + n) - n);
        }
    }
}

} // namespace

// How long a chunk's longest one is stays noted until its pages change (relist() forgets it), so that those with none
// that will do are not measured again. It is a hint, without an order: somebody may free pages of a chunk while it is
// measured, and be done before what was measured is noted. Then they are not found here until others of the chunk
// change.
found_run find_resident(unsigned n, unsigned cls, unsigned end, unsigned enough) noexcept {
    found_run best;
    unsigned found = 0;
    each_warm_with_room(cls, end, 64, [&](chunk& c) {
        if (c.longest_resident.load(memory_order_relaxed) < n) return true; // relaxed, and below: a hint
        const page_bitmap::fit fit = c.owned.shortest_fit(n, [&c](unsigned w) { return c.gone.word(w); });
        c.longest_resident.store(fit.longest, memory_order_relaxed);
        if (fit.room == 0) return true;
        if (fit.room < best.cost) best = {&c, fit.run, fit.room};
        return ++found < enough && best.cost != n;
    });
    return best;
}

found_run find_least_gone(unsigned cls) noexcept {
    found_run best;
    each_warm_with_room(cls, chunk_class_count, 32, [&](chunk& c) {
        find_least_gone(c, static_cast<unsigned>(class_pages(cls)), best);
        return true;
    });
    return best;
}

} // namespace synk::inline v1::detail
