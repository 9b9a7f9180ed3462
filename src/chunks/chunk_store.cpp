#include "chunks/chunk_store.hpp"

#include <algorithm>

#include <bit>
#include <functional>
#include <iterator>

#include "base/settings.hpp"
#include "checks/misuse.hpp"
#include "checks/tools.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk_index.hpp"
#include "chunks/huge_chunk.hpp"
#include "chunks/resident_runs.hpp"
#include "pages/mapping.hpp"
#include "pages/record_store.hpp"
#include "pages/system.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

// Writes the records of the blocks in a run that is ours and tells how much of it was warm.
std::size_t open_blocks(chunk& c, page_run run, unsigned cls, std::byte** out, unsigned count) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    for (unsigned i = 0; i < count; ++i) {
        const unsigned page = run.first + i * pages;
        out[i] = c.at(page);
        c.set_record(page, block_record(cls, out[i]));
    }
    c.touched.store(true, memory_order_relaxed); // relaxed: the keeper finds it now or next time
    c.quiet.clear(run);
    counters.chunk_weak.sub(c.weak.clear(run) * page_size);
    const unsigned cold = c.gone.clear(run);
    counters.chunk_owned.add(run.pages * page_size);
    note_peaks();
    counters.chunk_warm.sub((run.pages - cold) * page_size);
    return (run.pages - cold) * page_size;
}

// Automatic: when the block that is asked for fills a huge page, and from the second chunk on (the new one is counted
// already), when a chunk is likely to be used in full.
bool wants_huge(unsigned cls) noexcept {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    if (the_settings.huge() != huge_pages::automatic) return the_settings.huge() == huge_pages::on;
    return class_bytes(cls) >= huge_page || counters.mapped.get() >= 2 * chunk_size;
}

// A chunk that is wholly ours and gone: blocks at its front, the rest is free.
claimed_blocks cut_whole(chunk& c, unsigned cls, std::byte** out, unsigned want) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    const unsigned count = want * pages <= page_bitmap::pages ? want : 1;
    const page_run ours{0, count * pages};
    const page_run rest{ours.pages, page_bitmap::pages - ours.pages};
    settle_huge_pages(c, wants_huge(cls));
    open_blocks(c, ours, cls, out, count);
    if (rest.pages == 0) return {count, 0, 0};
    if (!c.owned.release(rest)) fail_record(c.at(rest.first));
    const bool on_huge_pages = c.on_huge_pages.load(memory_order_relaxed); // relaxed: as base
    const std::size_t warmed = on_huge_pages ? wake_neighbours(c, ours) : 0;
    relist(c);
    return {count, 0, warmed};
}

bool wholly_gone(const chunk& c) noexcept {
    for (unsigned w = 0; w < page_bitmap::words; ++w)
        if (c.gone.word(w) != ~std::uint64_t{0}) return false;
    return true;
}

claimed_blocks claim_whole(chunk& c, unsigned cls, std::byte** out, unsigned want) noexcept {
    if (!wholly_gone(c) || !claim_run(c, chunk::whole)) return {};
    if (!wholly_gone(c)) { // it was in use meanwhile
        free_run(c, chunk::whole);
        warm_chunks->insert(c.id); // a visit may have found it claimed
        return {};
    }
    if (wants_huge(cls)) return_to_huge_pages(c);
    const claimed_blocks got = cut_whole(c, cls, out, want);
    if (got.count * class_pages(cls) != page_bitmap::pages) counters.splits.add();
    return got;
}

// A run that is ours, of as many pages as some blocks have, becomes these.
claimed_blocks cut(chunk& c, page_run run, unsigned cls, std::byte** out) noexcept {
    const unsigned count = run.pages / static_cast<unsigned>(class_pages(cls));
    const unsigned behind = run.first + run.pages;
    const bool goes_on = behind < page_bitmap::pages && !c.owned.owned(behind);
    if (goes_on || (run.first != 0 && !c.owned.owned(run.first - 1))) counters.splits.add();
    // relaxed, both: as base
    const bool asleep = (c.had_huge_pages.load(memory_order_relaxed) && c.weak.count(run) != 0) ||
                        (c.on_huge_pages.load(memory_order_relaxed) && c.gone.count(run) != 0);
    const std::size_t warm = open_blocks(c, run, cls, out, count);
    if (warm != 0) leave_warm_if_cold(c);
    return {count, warm, asleep ? wake_neighbours(c, run) : 0};
}

void add(claimed_blocks& sum, const claimed_blocks& more) noexcept {
    sum.count += more.count;
    sum.warm_bytes += more.warm_bytes;
    sum.warmed_bytes += more.warmed_bytes;
}

// Up to `want` blocks whose pages all have memory, out of one run or else out of several that are shorter: a chunk that
// was found for one has most often room for more, and each visit moves lines of memory that other threads have.
claimed_blocks claim_warm(chunk& c, unsigned cls, std::byte** out, unsigned want) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    claimed_blocks got;
    for (unsigned n = want; n != 0; n = std::min(n, want - got.count)) {
        const page_run run = claim_pages(c, n * pages, memory_behind::all);
        if (run.pages != 0)
            add(got, cut(c, run, cls, out + got.count));
        else
            n /= 2;
    }
    return got;
}

// `want` blocks of one run, or one block.
claimed_blocks claim_any(chunk& c, unsigned cls, std::byte** out, unsigned want) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    page_run run;
    if (want > 1) run = claim_pages(c, want * pages, memory_behind::any);
    if (run.pages == 0) run = claim_pages(c, pages, memory_behind::any);
    return run.pages != 0 ? cut(c, run, cls, out) : claimed_blocks{};
}

// The run of the block at data, its record checked and taken away.
page_run close_block(chunk& c, std::byte* data) noexcept {
    const unsigned page = c.page_of(data);
    const block_record r = c.record_at(page);
    if (r.none() || !r.sealed_for(data)) fail_wrong_record("put", c, data);
    c.set_record(page, {});
    c.quiet.clear({page, static_cast<unsigned>(class_pages(r.cls()))}); // the keeper may have come by
    c.touched.store(true, memory_order_relaxed);                        // relaxed: as in open_blocks
    return {page, static_cast<unsigned>(class_pages(r.cls()))};
}

// The run is free again, but the chunk not yet listed anew.
void release_block(chunk& c, page_run run) noexcept {
    counters.chunk_owned.sub(run.pages * page_size);
    if (!c.owned.release(run)) fail_record(c.at(run.first));
}

// Pages of the chunk, so many in all, were released.
unsigned relist_after(chunk& c, unsigned pages) noexcept {
    const unsigned longest = relist(c);
    if (longest == whole_class && pages != page_bitmap::pages) counters.restored.add();
    return longest;
}

chunk& chunk_of(const std::byte* data) noexcept {
    chunk* const c = places.find(data).as_chunk();
    if (c == nullptr) fail_foreign_handle("put", data);
    return *c;
}

// Takes the memory of a run that is ours away. What the system refuses to take stays, and stays known as resident.
bool take_memory_of(chunk& c, page_run run) noexcept {
    leave_huge_pages_for(c, run);
    if (!advise_gone(c.at(run.first), run.pages * page_size)) return false;
    c.gone.set(run);
    return true;
}

// For pages at this place, all of which start no block. Null: no memory.
page_record* records_for(chunk& c, const std::byte* at) noexcept {
    if (page_record* const near = near_records->of_chunk(at)) return near;
    if (c.own_records == nullptr)
        c.own_records = static_cast<page_record*>(take_record_memory(page_bitmap::pages * sizeof(page_record)));
    return c.own_records;
}

// For blocks of this class.
chunk* map_chunk(unsigned cls) noexcept {
    chunk* const c = chunks->take();
    if (c == nullptr) return nullptr;
    std::byte* const at = map_aligned(chunk_size, chunk_size);
    page_record* const records = at != nullptr ? records_for(*c, at) : nullptr;
    if (records != nullptr) c->records.store(records, memory_order_relaxed); // relaxed, and below: see base
    if (records != nullptr && places.set(at, chunk_size, place_owner(c))) {
        c->base.store(at, memory_order_relaxed);
        c->gone.set(chunk::whole);
        if (tools::active()) tools::idle({at, chunk_size});
        warm_chunks->erase(c->id); // of who had this number before; nobody has pages here to free yet
        counters.mapped.add(chunk_size);
        begin_on(*c, wants_huge(cls));
        return c;
    }
    if (at != nullptr) unmap(at, chunk_size);
    chunks->give_back(*c);
    return nullptr;
}

} // namespace

claimed_blocks chunk_store::claim(unsigned cls, std::byte** out, unsigned want) noexcept {
    for (unsigned attempt = 0; attempt < 64; ++attempt) {
        const found_chunk found = find_chunk(cls);
        if (found.c == nullptr) return {};
        claimed_blocks got;
        if (found.cls == whole_class) got = claim_whole(*found.c, cls, out, want);
        // Resident pages first: the others cost page faults, and room in the budget when they are put.
        if (got.count == 0) got = claim_warm(*found.c, cls, out, want);
        if (got.count == 0) got = claim_any(*found.c, cls, out, want);
        if (got.count == 0) {
            unlist(*found.c, found.cls);
            continue;
        }
        relist(*found.c);
        return got;
    }
    return {};
}

namespace {

// What `find` finds is claimed, unless somebody was faster.
template <class Find>
claimed_blocks claim_found(unsigned cls, std::byte** out, Find find) noexcept {
    for (unsigned attempt = 0; attempt < 8; ++attempt) {
        const found_run found = find();
        if (found.c == nullptr) break;
        if (!claim_run(*found.c, found.run)) continue;
        const claimed_blocks got = cut(*found.c, found.run, cls, out);
        relist(*found.c);
        return got;
    }
    return {};
}

// In chunks whose longest run is of a class below `end`.
claimed_blocks claim_resident_below(unsigned end, unsigned cls, std::byte** out, unsigned want) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    const unsigned enough = chunk_store::is_sparse() ? 1 : 4;
    const auto find = [=](unsigned n) { return find_resident(n, cls, end, enough); };
    if (want > 1) {
        const claimed_blocks all = claim_found(cls, out, [=] { return find(want * pages); });
        if (all.count != 0) return all;
    }
    return claim_found(cls, out, [=] { return find(pages); });
}

constexpr std::size_t what_exceeds(std::size_t bytes, std::size_t others) noexcept {
    return bytes > others ? bytes - others : 0;
}

} // namespace

std::size_t chunk_store::free_bytes() noexcept {
    const std::size_t taken = counters.chunk_owned.get() + counters.large_mapped.get();
    return what_exceeds(counters.mapped.get(), taken);
}

std::size_t chunk_store::cold_bytes() noexcept { return what_exceeds(free_bytes(), counters.chunk_warm.get()); }

bool chunk_store::is_sparse() noexcept { return cold_bytes() > counters.mapped.get() / 3; }

// Cut for the memory behind them, much longer runs were missing to larger blocks: the address space of a churned live
// set grew by a quarter to a half. Up to four times as long is where both that and the page faults are few.
claimed_blocks chunk_store::claim_resident(unsigned cls, std::byte** out, unsigned want) noexcept {
    constexpr unsigned reach = 2 * class_fan;
    const unsigned end = cls + reach < chunk_class_count ? cls + reach + 1 : chunk_class_count;
    return claim_resident_below(end, cls, out, want);
}

claimed_blocks chunk_store::claim_long_resident(unsigned cls, std::byte** out, unsigned want) noexcept {
    return claim_resident_below(chunk_class_count, cls, out, want);
}

claimed_blocks chunk_store::claim_least_gone(unsigned cls, std::byte** out) noexcept {
    return claim_found(cls, out, [=] { return find_least_gone(cls); });
}

namespace {

// A chunk's id and one more for each processor, 0: none yet. A hint where to look first; release and acquire, so that
// who finds an id finds the record that it names (slot_table::at).
struct alignas(64) near_chunk {
    atomic<unsigned> id_and_one{0};
};
constinit near_chunk near_chunks[64];

atomic<unsigned>& near_here() noexcept { return near_chunks[os().processor() % std::size(near_chunks)].id_and_one; }

} // namespace

claimed_blocks chunk_store::claim_near(unsigned cls, std::byte** out) noexcept {
    const unsigned near = near_here().load(memory_order_acquire);
    if (near == 0) return {};
    chunk& c = *chunks->at(near - 1);
    const unsigned listed = c.listed.load(memory_order_relaxed); // relaxed: a guess, the pages decide
    if (listed < cls || listed == chunk::unlisted) return {};
    const claimed_blocks got = claim_warm(c, cls, out, 1);
    relist(c); // where it came to nothing, too: as in claim_resident_below
    return got;
}

void chunk_store::free_near(std::byte* data) noexcept {
    near_here().store(chunk_of(data).id + 1, memory_order_release);
    free(data);
}

claimed_blocks chunk_store::claim_new(unsigned cls, std::byte** out, unsigned want) noexcept {
    chunk* const c = map_chunk(cls);
    return c != nullptr ? cut_whole(*c, cls, out, want) : claimed_blocks{};
}

namespace {

constexpr unsigned freed_at_once = 64;

// Blocks in the order of their addresses: those of one chunk are counted, and those that follow each other released,
// all at once, and the chunk, which costs more than all the rest, is measured once. Returns what free() does.
unsigned free_sorted(std::byte* const* items, unsigned n, const std::byte* last) noexcept {
    unsigned longest = chunk::unlisted;
    for (unsigned i = 0; i < n;) {
        chunk& c = chunk_of(items[i]);
        page_run runs[freed_at_once];
        unsigned count = 0, pages = 0;
        bool has_last = false;
        do {
            // Not left to the record: it is taken away, but the page still ours.
            if (i != 0 && items[i] == items[i - 1]) fail_copied_handle("put", items[i]);
            const page_run run = close_block(c, items[i]);
            const bool goes_on = count != 0 && runs[count - 1].first + runs[count - 1].pages == run.first;
            if (goes_on)
                runs[count - 1].pages += run.pages;
            else
                runs[count++] = run;
            pages += run.pages;
            has_last = has_last || items[i] == last;
        } while (++i < n && places.find(items[i]).as_chunk() == &c);
        counters.chunk_warm.add(pages * page_size); // before others can take them from there
        for (unsigned r = 0; r < count; ++r) release_block(c, runs[r]);
        const unsigned listed = relist_after(c, pages);
        if (has_last) longest = listed;
        warm_chunks->insert(c.id);
    }
    return longest;
}

} // namespace

unsigned chunk_store::free(std::byte* const* items, unsigned n) noexcept {
    unsigned longest = chunk::unlisted;
    while (n != 0) {
        std::byte* sorted[freed_at_once];
        const unsigned some = std::min(n, freed_at_once);
        std::copy_n(items, some, sorted);
        std::sort(sorted, sorted + some, std::less<>());
        longest = free_sorted(sorted, some, items[some - 1]);
        items += some;
        n -= some;
    }
    return longest;
}

std::size_t chunk_store::free_gone(std::byte* data) noexcept {
    chunk& c = chunk_of(data);
    const page_run run = close_block(c, data);
    const std::size_t bytes = run.pages * page_size;
    const bool taken = take_memory_of(c, run);
    if (taken)
        counters.given_back.add(bytes);
    else
        counters.chunk_warm.add(bytes);
    release_block(c, run);
    relist_after(c, run.pages);
    if (!taken) warm_chunks->insert(c.id);
    return taken ? 0 : bytes;
}

// Who freed pages and was about to list the chunk is not there any more: that is done for all.
void chunk_store::recount() noexcept {
    std::size_t warm = 0, weak = 0; // pages
    for (unsigned id = 0; id < chunks->limit(); ++id) {
        chunk* const c = chunks->at(id); // null: its records were just being made, or were refused
        if (c == nullptr || c->start() == nullptr) continue;
        const std::size_t before = warm;
        for (unsigned w = 0; w < page_bitmap::words; ++w) {
            warm += static_cast<unsigned>(std::popcount(~c->owned.word(w) & ~c->gone.word(w)));
            weak += static_cast<unsigned>(std::popcount(~c->owned.word(w) & c->weak.word(w)));
        }
        relist(*c);
        if (warm != before) warm_chunks->insert(id);
    }
    counters.chunk_warm.set(warm * page_size);
    counters.chunk_weak.set(weak * page_size);
}

} // namespace synk::inline v1::detail
