// Memory of free pages on its way back to the system: chunk_store's purge, age, drop_weak and unmap_free.
//
// Whoever advises pages owns them: a run is claimed first, so nobody is lent a page while its memory is taken away.

#include <algorithm>

#include "checks/tools.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk_index.hpp"
#include "chunks/chunk_store.hpp"
#include "chunks/huge_chunk.hpp"
#include "pages/mapping.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

constexpr unsigned least_run = 16; // pages: a shorter advice costs more than it brings, but where a chunk is calm
constexpr unsigned most_short_runs = 4096; // that go in a visit: some ten milliseconds, which a fork waits for

std::size_t bytes_of(unsigned pages) noexcept { return pages * page_size; }

using advise_function = bool(std::byte* at, std::size_t size) noexcept;

// Advises a claimed run; the flags and the counts follow what the system took. Returns the bytes that went.
std::size_t make_gone_by(advise_function advise, chunk& c, page_run run) noexcept {
    const std::size_t resident = bytes_of(run.pages - c.gone.count(run));
    if (resident == 0) return 0;
    leave_huge_pages_for(c, run);
    if (!advise(c.at(run.first), bytes_of(run.pages))) return 0;
    c.gone.set(run);
    counters.chunk_weak.sub(bytes_of(c.weak.clear(run)));
    counters.chunk_warm.sub(resident);
    counters.given_back.add(resident);
    return resident;
}
std::size_t make_gone(chunk& c, page_run run) noexcept { return make_gone_by(advise_gone, c, run); }

// Where weak is refused the ladder's next step is gone; but locked memory shall stay while it may be. Between being
// looked for and being claimed the run may have lost memory to another thread: it is left as it is then, since no page
// is gone and weak.
std::size_t make_weak(chunk& c, page_run run) noexcept {
    if (c.gone.count(run) != 0) return 0;
    if (!advise_weak(c.at(run.first), bytes_of(run.pages))) return make_gone_by(advise_gone_unless_locked, c, run);
    const unsigned before = c.weak.count(run);
    c.weak.set(run);
    counters.chunk_weak.add(bytes_of(run.pages - before));
    return 0;
}

// What is done to some runs of a chunk; it is listed anew once, at the end.
class work_on_runs {
public:
    explicit work_on_runs(chunk& c) noexcept : c_(c) {}
    work_on_runs(const work_on_runs&) = delete;
    work_on_runs& operator=(const work_on_runs&) = delete;
    ~work_on_runs() {
        if (claimed_) relist(c_);
    }

    // Runs `advise` on a run if it can be claimed. Another visitor, which finds the run claimed, takes the chunk for
    // one without resident pages: what is left of them is made known again.
    template <class Advise>
    std::size_t on_claimed(page_run run, Advise advise) noexcept {
        if (!claim_run(c_, run)) return 0;
        claimed_ = true;
        const std::size_t bytes = advise(c_, run);
        const bool resident = c_.gone.count(run) < run.pages;
        if (!c_.owned.release(run)) fail_record(c_.at(run.first));
        if (resident) warm_chunks->insert(c_.id);
        return bytes;
    }

private:
    chunk& c_;
    bool claimed_ = false;
};

// A chunk's pages with some property, as they look now, and their runs.
class page_selection {
public:
    template <class Word>
    explicit page_selection(Word word) noexcept {
        for (unsigned w = 0; w < page_bitmap::words; ++w) word_[w] = word(w);
    }
    // The next run at or behind page `from`; none at the end.
    [[nodiscard]] page_run next(unsigned from) const noexcept {
        const unsigned first = find(from, 0);
        if (first >= page_bitmap::pages) return {};
        return {first, find(first, ~std::uint64_t{0}) - first};
    }

private:
    // The first page at or behind `from` whose bit, exclusive-or flip, is set.
    [[nodiscard]] unsigned find(unsigned from, std::uint64_t flip) const noexcept {
        for (unsigned w = from / 64; w < page_bitmap::words; ++w) {
            const std::uint64_t mask = w == from / 64 ? ~std::uint64_t{0} << (from % 64) : ~std::uint64_t{0};
            const std::uint64_t bits = (word_[w] ^ flip) & mask;
            if (bits != 0) return w * 64 + static_cast<unsigned>(std::countr_zero(bits));
        }
        return page_bitmap::pages;
    }
    std::uint64_t word_[page_bitmap::words];
};

// A part of a huge page is not worth breaking it.
page_run weak_part(const chunk& c, page_run run) noexcept {
    if (run.pages < least_run) return {};
    return c.on_huge_pages.load(memory_order_relaxed) ? huge_pages_within(run) : run; // relaxed: as base
}

// Free pages that the last visit found free already, and that are not weak yet.
std::size_t weaken_quiet(chunk& c, const ageing& how) noexcept {
    const page_selection quiet(
        [&c](unsigned w) { return ~c.owned.word(w) & c.quiet.word(w) & ~c.weak.word(w) & ~c.gone.word(w); });
    std::size_t went = 0;
    work_on_runs work(c);
    for (page_run run = quiet.next(0); run.pages != 0; run = quiet.next(run.first + run.pages)) {
        const page_run part = weak_part(c, run);
        if (part.pages != 0) went += work.on_claimed(part, how.may_be_weak ? make_weak : make_gone);
    }
    return went;
}

std::size_t drop_runs(chunk& c, const page_selection& pages) noexcept {
    std::size_t went = 0;
    work_on_runs work(c);
    for (page_run run = pages.next(0); run.pages != 0; run = pages.next(run.first + run.pages))
        went += work.on_claimed(run, make_gone);
    return went;
}

page_selection resident_free(const chunk& c) noexcept {
    return page_selection([&c](unsigned w) { return ~c.owned.word(w) & ~c.gone.word(w); });
}

// The part of a free run from its first to its last resident page, on huge pages to the ends of those, as far as they
// are free; none when all of it is gone.
page_run resident_part(const chunk& c, const page_selection& resident, page_run run) noexcept {
    const unsigned end = run.first + run.pages;
    page_run part{end, 0};
    for (page_run r = resident.next(run.first); r.pages != 0 && r.first + r.pages <= end;
         r = resident.next(r.first + r.pages))
        part = part.pages == 0 ? r : page_run{part.first, r.first + r.pages - part.first};
    if (part.pages == 0 || !c.on_huge_pages.load(memory_order_relaxed)) return part; // relaxed: as base
    const page_run around = huge_pages_around(part);
    const unsigned first = std::max(around.first, run.first);
    return {first, std::min(around.first + around.pages, end) - first};
}

// Resident pages go together with the gone ones between them: how long a run of resident pages is says nothing, as
// among gone pages many short ones may lie.
// Up to `short_runs` of those that are short; false where there are more.
bool drop_free(chunk& c, unsigned& short_runs, std::size_t& went) noexcept {
    const page_selection resident = resident_free(c);
    work_on_runs work(c);
    bool all = true;
    for (page_run run = c.owned.next_free(0); run.pages != 0; run = c.owned.next_free(run.first + run.pages)) {
        const page_run part = resident_part(c, resident, run);
        if (part.pages == 0) continue;
        if (part.pages < least_run && short_runs == 0) {
            all = false;
            continue;
        }
        if (part.pages < least_run) --short_runs;
        went += work.on_claimed(part, make_gone);
    }
    return all;
}

void mark_quiet(chunk& c) noexcept {
    for (page_run run = c.owned.next_free(0); run.pages != 0; run = c.owned.next_free(run.first + run.pages))
        c.quiet.set(run); // if it is claimed just now: close_block() clears the flag before the page is free again
}

// relaxed: only the keeper writes calm_since, and a late `touched` is found by its next visit.
std::uint64_t calm_time(chunk& c, std::uint64_t now) noexcept {
    if (c.touched.exchange(false, memory_order_relaxed)) c.calm_since.store(now, memory_order_relaxed);
    return now - c.calm_since.load(memory_order_relaxed);
}

// What the system refused is tried again after as long as it takes to be gone.
std::size_t weaken_if_worth_it(chunk& c, const ageing& how) noexcept {
    const std::uint64_t last = c.refused_at.load(memory_order_relaxed); // relaxed: the keeper's
    if (last != 0 && how.now - last < how.gone_after) return 0;
    const std::size_t refusals = refused_advice();
    const std::size_t went = weaken_quiet(c, how);
    // A refusal elsewhere at this moment is taken for ours: then this chunk waits for no reason, once.
    c.refused_at.store(went == 0 && refused_advice() != refusals ? how.now : 0, memory_order_relaxed);
    return went;
}

std::size_t age_chunk(chunk& c, const ageing& how, unsigned& short_runs) noexcept {
    std::size_t went = weaken_if_worth_it(c, how);
    // What was refused is tried again after as long; what is too much for one visit, in the next.
    if (calm_time(c, how.now) >= how.gone_after && drop_free(c, short_runs, went))
        c.calm_since.store(how.now, memory_order_relaxed);
    mark_quiet(c);
    leave_warm_if_cold(c);
    return went;
}

// What is wanted of a run, and then to the end of a huge page.
page_run first_part(page_run run, std::size_t bytes) noexcept {
    if (bytes >= bytes_of(run.pages)) return run;
    const unsigned pages = static_cast<unsigned>((bytes + page_size - 1) >> page_shift);
    const page_run around = huge_pages_around({run.first, pages});
    return {run.first, std::min(around.first + around.pages - run.first, run.pages)};
}

// One look for memory to give back.
class purge_under_way {
public:
    purge_under_way(std::size_t bytes, std::size_t patience) noexcept : wanted_(bytes), patience_(patience) {}

    [[nodiscard]] bool goes_on() const noexcept { return done < wanted_ && (done != 0 || !is_refused()); }
    [[nodiscard]] std::size_t missing() const noexcept { return wanted_ - done; }
    [[nodiscard]] bool wants_huge_page() const noexcept { return goes_on() && missing() >= bytes_of(pages_of_huge); }

    std::size_t done = 0;

private:
    // Others' refusals count, too: they ask the same system.
    [[nodiscard]] bool is_refused() const noexcept { return refused_advice() - refused_before_ >= patience_; }

    std::size_t wanted_;
    std::size_t patience_;
    std::size_t refused_before_ = refused_advice();
};

constexpr unsigned short_run = 64; // pages: a get that misses a long run misses some longer one than this

// What runs of at most `most` pages have.
void purge_chunk(chunk& c, purge_under_way& purge, unsigned most) noexcept {
    const page_selection pages = resident_free(c);
    {
        work_on_runs work(c);
        for (page_run run = pages.next(0); run.pages != 0 && purge.goes_on(); run = pages.next(run.first + run.pages))
            if (run.pages <= most) purge.done += work.on_claimed(first_part(run, purge.missing()), make_gone);
    }
    leave_warm_if_cold(c);
}

void purge_huge_pages_of(chunk& c, purge_under_way& purge) noexcept {
    work_on_runs work(c);
    for (page_run run{0, pages_of_huge}; run.first < page_bitmap::pages && purge.goes_on();
         run.first += pages_of_huge) {
        const page_run free = c.owned.next_free(run.first);
        if (free.first == run.first && free.pages >= run.pages && c.gone.count(run) < run.pages)
            purge.done += work.on_claimed(run, make_gone);
    }
    leave_warm_if_cold(c);
}

// Whole huge pages, or what could be one: the cheapest to give back, and to have again. Of some chunks, as most of
// those that are long enough may have lost that memory before, and keep what is short.
void purge_huge_pages(purge_under_way& purge) noexcept {
    unsigned words = 32, patience = 64; // of 64 chunks; chunks
    for (unsigned cls = whole_class; cls >= class_of(bytes_of(pages_of_huge)); --cls) {
        chunk_set& set = *chunks_by_class[cls];
        for (unsigned id = set.lowest(); id != chunk_set::none; ++id) {
            id = set.next_common(*warm_chunks, id, words);
            if (id == chunk_set::none) break;
            if (patience-- == 0 || !purge.wants_huge_page()) return;
            purge_huge_pages_of(*chunks->at(id), purge);
        }
    }
}

template <class Visit>
void each_warm(Visit visit) noexcept {
    for (unsigned id = warm_chunks->lowest(); id != chunk_set::none; id = warm_chunks->next(id + 1))
        if (!visit(*chunks->at(id))) return;
}

void forget_pages(chunk& c) noexcept {
    const std::size_t resident = bytes_of(page_bitmap::pages - c.gone.count(chunk::whole));
    counters.chunk_weak.sub(bytes_of(c.weak.clear(chunk::whole)));
    counters.chunk_warm.sub(resident);
    counters.given_back.add(resident);
}

// The chunk is wholly ours.
std::size_t unmap_chunk(chunk& c) noexcept {
    std::byte* const at = c.start();
    const std::size_t resident = bytes_of(page_bitmap::pages - c.gone.count(chunk::whole));
    places.clear(at, chunk_size);
    tools::forget(at, chunk_size); // whoever gets these addresses next knows nothing of our poison
    if (!unmap(at, chunk_size)) {  // too many mappings: it stays as it was; its entry is there, so set() cannot fail
        if (tools::active()) tools::idle({at, chunk_size});
        if (!places.set(at, chunk_size, place_owner(&c))) fail_record(at);
        free_run(c, chunk::whole);
        warm_chunks->insert(c.id); // as in on_claimed
        return 0;
    }
    relist(c);
    forget_pages(c);
    c.base.store(nullptr, memory_order_relaxed); // relaxed: see base
    counters.mapped.sub(chunk_size);
    chunks->give_back(c);
    return resident;
}

} // namespace

std::size_t chunk_store::age(const ageing& how) noexcept {
    std::size_t went = 0;
    unsigned short_runs = most_short_runs;
    each_warm([&](chunk& c) {
        went += age_chunk(c, how, short_runs);
        return true;
    });
    return went;
}

namespace {

// A long run is what the next long get can be served with, and a huge page is not broken for a short one.
void purge_short_runs(purge_under_way& purge) noexcept {
    unsigned left = chunk_store::is_sparse() ? 0 : 64; // chunks
    each_warm([&](chunk& c) {
        if (left == 0) return false;
        --left;
        if (!c.on_huge_pages.load(memory_order_relaxed)) purge_chunk(c, purge, short_run); // relaxed: as base
        return purge.goes_on();
    });
}

} // namespace

std::size_t chunk_store::purge(std::size_t bytes, std::size_t patience) noexcept {
    purge_under_way purge(bytes, patience);
    if (!purge.goes_on()) return 0;
    purge_huge_pages(purge);
    if (!purge.goes_on()) return purge.done;
    purge_short_runs(purge);
    if (!purge.goes_on()) return purge.done;
    each_warm([&](chunk& c) {
        purge_chunk(c, purge, page_bitmap::pages);
        return purge.goes_on();
    });
    return purge.done;
}

std::size_t chunk_store::unmap_resident(std::size_t bytes) noexcept {
    std::size_t done = 0;
    each_warm([&](chunk& c) {
        const bool wholly_free = c.owned.next_free(0).pages == page_bitmap::pages;
        if (wholly_free && has_idle(c) && claim_run(c, chunk::whole)) done += unmap_chunk(c);
        return done < bytes;
    });
    return done;
}

std::size_t chunk_store::drop_weak() noexcept {
    std::size_t went = 0;
    each_warm([&went](chunk& c) {
        went += drop_runs(c, page_selection([&c](unsigned w) { return ~c.owned.word(w) & c.weak.word(w); }));
        leave_warm_if_cold(c);
        return true;
    });
    return went;
}

std::size_t chunk_store::unmap_free() noexcept {
    auto& whole = *chunks_by_class[whole_class];
    std::size_t bytes = 0;
    for (unsigned id = whole.lowest(); id != whole.none; id = whole.next(id + 1)) {
        chunk& c = *chunks->at(id);
        if (claim_run(c, chunk::whole)) bytes += unmap_chunk(c);
    }
    return bytes;
}

} // namespace synk::inline v1::detail
