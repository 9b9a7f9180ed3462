#include "chunks/chunk_index.hpp"

#include "checks/misuse.hpp"
#include "chunks/address_map.hpp"

namespace synk::inline v1::detail {

constinit address_map places;
constinit zeroed<page_records> near_records;
constinit zeroed<slot_table<chunk, max_chunks>> chunks;
constinit zeroed<chunk_set> chunks_by_class[chunk_class_count];
constinit zeroed<chunk_set> warm_chunks;

namespace {

// The largest class whose blocks fit into a run; chunk::unlisted for no run.
unsigned class_within(unsigned pages) noexcept {
    if (pages == 0) return chunk::unlisted;
    const unsigned cls = class_of(pages * page_size);
    return class_pages(cls) <= pages ? cls : cls - 1;
}

} // namespace

unsigned relist(chunk& c) noexcept {
    c.longest_resident.store(chunk::unmeasured, memory_order_relaxed); // relaxed: a hint
    for (;;) {
        const unsigned cls = class_within(c.owned.longest_free());
        // relaxed: `listed` is a hint which entry to take out; the index itself is ordered by its own edges.
        const unsigned old = c.listed.exchange(cls, memory_order_relaxed);
        if (cls != chunk::unlisted) chunks_by_class[cls]->insert(c.id);
        if (old == cls) return cls;
        if (old != chunk::unlisted) chunks_by_class[old]->erase(c.id);
        if (class_within(c.owned.longest_free()) == cls) return cls;
    }
}

void unlist(chunk& c, unsigned cls) noexcept {
    chunks_by_class[cls]->erase(c.id);
    relist(c);
}

bool has_idle(const chunk& c) noexcept {
    for (unsigned w = 0; w < page_bitmap::words; ++w)
        if ((c.owned.word(w) | c.gone.word(w)) != ~std::uint64_t{0}) return true;
    return false;
}

void leave_warm_if_cold(chunk& c) noexcept {
    if (has_idle(c)) return;
    warm_chunks->erase(c.id); // before looking again: a page freed from now on enters it again
    if (has_idle(c)) warm_chunks->insert(c.id);
}

found_chunk find_chunk(unsigned cls) noexcept {
    unsigned patience = 32; // words of 64 chunks
    found_chunk cold;
    for (; cls < chunk_class_count; ++cls) {
        chunk_set& set = *chunks_by_class[cls];
        const unsigned id = set.lowest();
        if (id == chunk_set::none) continue;
        const unsigned warm = set.next_common(*warm_chunks, id, patience);
        if (warm != chunk_set::none) return {chunks->at(warm), cls};
        if (cold.c == nullptr) cold = {chunks->at(id), cls};
    }
    return cold;
}

bool claim_run(chunk& c, page_run run) noexcept {
    if (c.owned.claim_at(run)) return true;
    relist(c);
    warm_chunks->insert(c.id);
    return false;
}

page_run claim_pages(chunk& c, unsigned n, memory_behind which) noexcept {
    const auto undone = [&c] { warm_chunks->insert(c.id); }; // as in claim_run
    if (which == memory_behind::any) return c.owned.claim(n, page_bitmap::nothing{}, undone);
    return c.owned.claim(
        n, [&c](unsigned w) { return c.gone.word(w); }, undone);
}

unsigned free_run(chunk& c, page_run run) noexcept {
    if (!c.owned.release(run)) fail_record(c.at(run.first));
    return relist(c);
}

void fail_record(const std::byte* data) noexcept { fail_corrupted("freeing", data); }

void fail_wrong_record(const char* verb, const chunk& c, const std::byte* data) noexcept {
    const unsigned page = c.page_of(data);
    const block_record r = c.record_at(page);
    const bool passed_on = r.none() && (!c.owned.owned(page) || c.start_around(page) != chunk::no_page);
    const bool lent_bare = r.bare() && r.sealed_for(data);
    if (passed_on || lent_bare) fail_copied_handle(verb, data);
    fail_corrupted(verb, data);
}

} // namespace synk::inline v1::detail
