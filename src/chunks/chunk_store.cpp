#include "chunks/chunk_store.hpp"

#include <new>

#include "base/settings.hpp"
#include "checks/fatal.hpp"
#include "chunks/address_map.hpp"
#include "chunks/id_set.hpp"
#include "chunks/slot_table.hpp"
#include "pages/mapping.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

constexpr unsigned max_chunks = 1U << 20; // 4 TiB
constexpr unsigned whole_class = chunk_class_count - 1;

// The index: which chunks have a free run of which class, by the class of their longest one.
//
// Whoever changes a chunk's pages calls relist() afterwards. Claim: "a chunk with a free run that stays free
// is listed under its class once everybody has returned". relist() measures, enters the chunk under what it
// found, takes it out of where it was, and measures again: if a page was freed between its measuring and its
// taking out, then either the freeing thread enters the chunk later than we take it out, or we see the freed
// page when we measure again (both sides are seq_cst: page_bitmap's F1 and loads, id_set's operations). A
// chunk may stand under more classes than one for a while; who finds it under a wrong one takes it out there.
constinit slot_table<chunk, max_chunks> chunks;
constinit id_set<max_chunks> by_class[chunk_class_count];
constinit id_set<max_chunks> warm; // chunks that may have free resident pages

// The largest class whose blocks fit into a run; chunk::unlisted for no run.
unsigned class_within(unsigned pages) noexcept {
    if (pages == 0) return chunk::unlisted;
    const unsigned cls = class_of(pages * page_size);
    return class_pages(cls) <= pages ? cls : cls - 1;
}

// Returns the class it is listed under.
unsigned relist(chunk& c) noexcept {
    for (;;) {
        const unsigned cls = class_within(c.owned.longest_free());
        // relaxed: `listed` is a hint which entry to take out; the index itself is ordered by its own edges.
        const unsigned old = c.listed.exchange(cls, memory_order_relaxed);
        if (cls != chunk::unlisted) by_class[cls].insert(c.id);
        if (old == cls) return cls;
        if (old != chunk::unlisted) by_class[old].erase(c.id);
        if (class_within(c.owned.longest_free()) == cls) return cls;
    }
}

// Takes a chunk out of a class where it no longer belongs.
void unlist(chunk& c, unsigned cls) noexcept {
    by_class[cls].erase(c.id);
    relist(c);
}

struct found_chunk {
    chunk* c = nullptr;
    unsigned cls = 0;
};

// The chunk with the shortest sufficient longest run, the lowest of those: so full chunks fill and others
// empty.
found_chunk find_chunk(unsigned cls) noexcept {
    for (; cls < chunk_class_count; ++cls) {
        const unsigned id = by_class[cls].lowest();
        if (id != by_class[cls].none) return {chunks.at(id), cls};
    }
    return {};
}

[[noreturn]] void fail_record(const std::byte* data) noexcept {
    fatal("the record of block %p is corrupted: something has written into the pool's own memory; look for a "
          "wild "
          "write with AddressSanitizer or Valgrind",
          static_cast<const void*>(data));
}

// Writes the records of the blocks in a run that is ours and tells how much of it was warm.
std::size_t open_blocks(chunk& c, page_run run, unsigned cls, std::byte** out, unsigned count) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    for (unsigned i = 0; i < count; ++i) {
        const unsigned page = run.first + i * pages;
        out[i] = c.at(page);
        c.set_record(page, block_record(cls, false, out[i]));
    }
    const unsigned cold = c.gone.clear(run);
    counters.chunk_owned.add(run.pages * page_size);
    counters.chunk_warm.sub((run.pages - cold) * page_size);
    return (run.pages - cold) * page_size;
}

claimed_blocks claim_from(chunk& c, unsigned cls, std::byte** out, unsigned want) noexcept {
    const auto pages = static_cast<unsigned>(class_pages(cls));
    page_run run = want > 1 ? c.owned.claim(pages * want) : page_run{};
    const unsigned count = run.pages != 0 ? want : 1;
    if (run.pages == 0) run = c.owned.claim(pages);
    if (run.pages == 0) return {};
    if (run.pages != page_bitmap::pages) counters.splits.add();
    return {count, open_blocks(c, run, cls, out, count)};
}

// The run of the block at data, its record checked and taken away.
page_run close_block(chunk& c, std::byte* data) noexcept {
    const unsigned page = c.page_of(data);
    const block_record r = c.record_at(page);
    if (r.none() || !r.sealed_for(data)) fail_record(data);
    c.set_record(page, {});
    return {page, static_cast<unsigned>(class_pages(r.cls()))};
}

// Returns the class that the chunk is listed under then.
unsigned free_run(chunk& c, page_run run) noexcept {
    if (!c.owned.release(run)) fail_record(c.at(run.first));
    return relist(c);
}

void free_block(chunk& c, page_run run) noexcept {
    counters.chunk_owned.sub(run.pages * page_size);
    const unsigned cls = free_run(c, run);
    if (cls == whole_class && run.pages != page_bitmap::pages) counters.restored.add();
}

chunk& chunk_of(const std::byte* data) noexcept {
    chunk* const c = places.find(data).as_chunk();
    if (c == nullptr) fail_record(data);
    return *c;
}

// Advises a run that is ours. What the system refuses to take stays, and stays known as resident.
bool make_gone(chunk& c, page_run run) noexcept {
    if (!advise_gone(c.at(run.first), run.pages * page_size)) return false;
    c.gone.set(run);
    return true;
}

std::size_t purge_run(chunk& c, page_run run) noexcept {
    if (c.gone.count(run) == run.pages || !c.owned.claim_at(run)) return 0;
    const std::size_t bytes = (run.pages - c.gone.count(run)) * page_size;
    const bool taken = bytes != 0 && make_gone(c, run);
    free_run(c, run);
    if (!taken) warm.insert(c.id);
    if (!taken) return 0;
    counters.chunk_warm.sub(bytes);
    counters.given_back.add(bytes);
    return bytes;
}

std::size_t purge_chunk(chunk& c, std::size_t wanted) noexcept {
    std::size_t done = 0;
    warm.erase(c.id); // before looking: a page freed from now on enters it again
    for (page_run run = c.owned.next_free(0); run.pages != 0; run = c.owned.next_free(run.first + run.pages)) {
        done += purge_run(c, run);
        if (done < wanted) continue;
        warm.insert(c.id);
        break;
    }
    return done;
}

// Automatic: when the block that is asked for fills a huge page, and from the third chunk on, when a chunk is likely to
// be used in full.
bool wants_huge(unsigned cls) noexcept {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    if (the_settings.huge() != huge_pages::automatic) return the_settings.huge() == huge_pages::on;
    return class_bytes(cls) >= huge_page || counters.mapped.get() >= 2 * chunk_size;
}

chunk* map_chunk() noexcept {
    chunk* const c = chunks.take();
    if (c == nullptr) return nullptr;
    std::byte* const at = map_aligned(chunk_size, chunk_size);
    if (at != nullptr && places.set(at, chunk_size, place_owner(c))) {
        c->base.store(at, memory_order_relaxed); // relaxed: see base
        c->gone.set(chunk::whole);
        counters.mapped.add(chunk_size);
        return c;
    }
    if (at != nullptr) unmap(at, chunk_size);
    chunks.give_back(*c);
    return nullptr;
}

// The chunk is wholly ours.
std::size_t unmap_chunk(chunk& c) noexcept {
    std::byte* const at = c.start();
    const std::size_t bytes = (page_bitmap::pages - c.gone.count(chunk::whole)) * page_size;
    places.clear(at, chunk_size);
    if (!unmap(at, chunk_size)) { // too many mappings: it stays as it was
        if (!places.set(at, chunk_size, place_owner(&c))) fail_record(at);
        free_run(c, chunk::whole);
        return 0;
    }
    relist(c);
    c.base.store(nullptr, memory_order_relaxed); // relaxed: see base
    counters.mapped.sub(chunk_size);
    counters.chunk_warm.sub(bytes);
    counters.given_back.add(bytes);
    chunks.give_back(c);
    return bytes;
}

} // namespace

constinit address_map places;

claimed_blocks chunk_store::claim(unsigned cls, std::byte** out, unsigned want) noexcept {
    for (unsigned attempt = 0; attempt < 64; ++attempt) {
        const found_chunk found = find_chunk(cls);
        if (found.c == nullptr) return {};
        const claimed_blocks got = claim_from(*found.c, cls, out, want);
        if (got.count == 0) {
            unlist(*found.c, found.cls);
            continue;
        }
        relist(*found.c);
        return got;
    }
    return {};
}

// One touch makes a whole huge page resident, so the pages of a chunk on huge pages count as warm from the start.
claimed_blocks chunk_store::claim_new(unsigned cls, std::byte** out, unsigned want) noexcept {
    chunk* const c = map_chunk();
    if (c == nullptr) return {};
    const auto pages = static_cast<unsigned>(class_pages(cls));
    const unsigned count = want * pages <= page_bitmap::pages ? want : 1;
    const page_run ours{0, count * pages};
    const page_run rest{ours.pages, page_bitmap::pages - ours.pages};
    open_blocks(*c, ours, cls, out, count);
    if (rest.pages == 0) return {count, 0, 0};
    const std::size_t warmed =
        wants_huge(cls) && advise_huge(c->start(), chunk_size) ? c->gone.clear(rest) * page_size : 0;
    counters.chunk_warm.add(warmed);
    free_run(*c, rest);
    if (warmed != 0) warm.insert(c->id);
    return {count, 0, warmed};
}

void chunk_store::free(std::byte* data) noexcept {
    chunk& c = chunk_of(data);
    const page_run run = close_block(c, data);
    counters.chunk_warm.add(run.pages * page_size);
    free_block(c, run);
    warm.insert(c.id);
}

std::size_t chunk_store::free_gone(std::byte* data) noexcept {
    chunk& c = chunk_of(data);
    const page_run run = close_block(c, data);
    const std::size_t bytes = run.pages * page_size;
    const bool taken = make_gone(c, run);
    if (taken)
        counters.given_back.add(bytes);
    else
        counters.chunk_warm.add(bytes);
    free_block(c, run);
    if (!taken) warm.insert(c.id);
    return taken ? 0 : bytes;
}

std::size_t chunk_store::purge(std::size_t bytes) noexcept {
    std::size_t done = 0;
    for (unsigned id = warm.lowest(); id != warm.none && done < bytes; id = warm.next(id + 1))
        done += purge_chunk(*chunks.at(id), bytes - done);
    return done;
}

std::size_t chunk_store::unmap_free() noexcept {
    std::size_t bytes = 0;
    for (unsigned id = by_class[whole_class].lowest(); id != by_class[whole_class].none;
         id = by_class[whole_class].next(id + 1)) {
        chunk& c = *chunks.at(id);
        if (c.owned.claim_at(chunk::whole)) bytes += unmap_chunk(c);
    }
    return bytes;
}

unsigned chunk_store::class_at(const chunk& c, const std::byte* data) noexcept {
    const block_record r = c.record_at(c.page_of(data));
    return r.none() || !r.sealed_for(data) ? chunk_class_count : r.cls();
}

} // namespace synk::inline v1::detail
