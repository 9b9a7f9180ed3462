#include "large/large_store.hpp"

#include "base/settings.hpp"
#include "base/zeroed.hpp"
#include "budget/idle_budget.hpp"
#include "checks/misuse.hpp"
#include "checks/tools.hpp"
#include "chunks/address_map.hpp"
#include "chunks/slot_table.hpp"
#include "pages/mapping.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

constexpr unsigned max_large = 1U << 20;
constexpr unsigned shelf_slots = 64;

constinit zeroed<slot_table<large_block, max_large>> large_records;

// The shelf: a slot holds an idle block's record or null. Who changes it from a record to null (or from null
// to one) by compare-and-swap owns the block (has given it up). That a record may leave and come back
// meanwhile (ABA) is fine: what is taken is the record that is there at the CAS, and its capacity is read
// again afterwards.
constinit atomic<large_block*> shelf[shelf_slots];
constinit atomic<unsigned> next_discarded{0}; // the slot where the next purge begins

large_block& large_at(const char* verb, const std::byte* data) noexcept {
    large_block* const l = places.find(data).as_large();
    if (l == nullptr) fail_foreign_handle(verb, data);
    if (!l->sealed()) fail_corrupted(verb, data);
    if (l->data.load(memory_order_relaxed) != data)
        fail_copied_handle(verb, data); // relaxed: the caller owns the block
    return *l;
}

// Of a block that its owner gives up. Of two that put the same one the exchange finds the second; relaxed: it publishes
// nothing.
large_block& given_up(const std::byte* data) noexcept {
    large_block& l = large_at("put", data);
    if (l.idle.exchange(true, memory_order_relaxed)) fail_copied_handle("put", data);
    return l;
}

bool fits(const large_block& l, std::size_t n) noexcept {
    // relaxed: a guess until the record is ours
    const std::size_t capacity = l.capacity.load(memory_order_relaxed);
    return capacity >= n && capacity / 2 <= n;
}

// The slot with the shortest block that fits; shelf_slots for none.
unsigned best_slot(std::size_t n) noexcept {
    unsigned best = shelf_slots;
    std::size_t best_capacity = ~std::size_t{0};
    if (counters.large_shelved.get() == 0) return best; // most often; what is just coming is missed
    for (unsigned i = 0; i < shelf_slots; ++i) {
        const large_block* const l = shelf[i].load(memory_order_acquire); // pairs with shelve: the record is readable
        if (l == nullptr || !fits(*l, n)) continue;
        const std::size_t capacity = l->capacity.load(memory_order_relaxed); // relaxed: as in fits
        if (capacity >= best_capacity) continue;
        best = i;
        best_capacity = capacity;
    }
    return best;
}

// Takes what lies in a slot; null when it is empty or somebody was faster.
large_block* take_slot(unsigned i) noexcept {
    large_block* seen = shelf[i].load(memory_order_relaxed); // relaxed: a guess, the CAS decides
    if (seen == nullptr) return nullptr;
    // acquire: pairs with place_in_slot's release: the block is ours as its last owner left it.
    return shelf[i].compare_exchange_strong(seen, nullptr, memory_order_acquire, memory_order_relaxed) ? seen : nullptr;
}

bool place_in_slot(unsigned i, large_block& l) noexcept {
    large_block* expected = shelf[i].load(memory_order_relaxed); // relaxed: a guess, the CAS decides
    if (expected != nullptr) return false;
    return shelf[i].compare_exchange_strong(expected, &l, memory_order_release, memory_order_relaxed);
}

block as_block(const large_block& l) noexcept {
    const block b{l.data.load(memory_order_relaxed), l.capacity.load(memory_order_relaxed)}; // relaxed: ours
    if (!l.sealed()) fail_corrupted("freeing", b.data);
    return b;
}

bool place_on_shelf(large_block& l) noexcept {
    for (unsigned i = 0; i < shelf_slots; ++i)
        if (place_in_slot(i, l)) return true;
    return false;
}

void unmap_record(large_block& l) noexcept {
    const block b = as_block(l);
    places.clear(b.data, b.capacity);
    l.describe(nullptr, 0); // ours until give_back publishes it
    tools::forget(b.data, b.capacity);
    if (unmap(b.data, b.capacity)) {
        counters.mapped.sub(b.capacity);
        counters.given_back.add(b.capacity);
    } else {
        advise_gone(b.data,
                    b.capacity); // too many mappings: at least the memory goes; the addresses are lost
    }
    counters.large_mapped.sub(b.capacity);
    large_records->give_back(l);
}

// A block that was just taken off the shelf.
block unshelved(large_block& l) noexcept {
    const block b = as_block(l);
    l.idle.store(false, memory_order_relaxed); // relaxed: ours
    counters.large_shelved.sub(b.capacity);
    if (l.weak.exchange(false, memory_order_relaxed)) counters.large_weak.sub(b.capacity); // relaxed: ours
    return b;
}

std::size_t discard(large_block& l) noexcept {
    const std::size_t capacity = unshelved(l).capacity;
    unmap_record(l);
    return capacity;
}

// One step for a block that was taken off the shelf for it. Returns the bytes that went.
std::size_t age_block(large_block& l, const ageing& how) noexcept {
    const block b = as_block(l);
    const bool old = how.now - l.calm_since.load(memory_order_relaxed) >= how.gone_after; // relaxed: ours
    const bool weak = l.weak.load(memory_order_relaxed);
    if (old || (!weak && !(how.may_be_weak && advise_weak(b.data, b.capacity)))) return discard(l);
    if (!weak) {
        l.weak.store(true, memory_order_relaxed);
        counters.large_weak.add(b.capacity);
    }
    return place_on_shelf(l) ? 0 : discard(l);
}

block grow_in_place(large_block& l, block b, std::size_t capacity) noexcept {
    if (SYNK_TSAN) return {}; // which takes who had these addresses before for one who has them now
    if (!resize_in_place(b.data, b.capacity, capacity)) return {};
    if (places.set(b.data, capacity, place_owner(&l))) return {b.data, capacity};
    // No memory for the table: as it was. The entries of the old length are there, so entering them again
    // cannot fail.
    resize_in_place(b.data, capacity, b.capacity);
    static_cast<void>(places.set(b.data, b.capacity, place_owner(&l)));
    return {};
}

// The old places are cleared before the move: once moved, the system may give these addresses to anybody. Those of the
// target, too, whose tables are there then: a refused move may have unmapped it, and it may be anybody's already. So it
// is left as it is, and lost. Where that has happened some times in a row growing copies, most often.
constexpr unsigned few_refused_moves = 8;
constinit atomic<unsigned> refused_moves{0}; // and those that were not tried; relaxed throughout: a count

bool may_move() noexcept {
    if (refused_moves.load(memory_order_relaxed) < few_refused_moves) return true;
    return refused_moves.fetch_add(1, memory_order_relaxed) % 64 == 0;
}

block grow_elsewhere(large_block& l, block b, std::size_t capacity) noexcept {
    if (!may_move()) return {};
    std::byte* const target = map_aligned(capacity, chunk_size);
    if (target == nullptr) return {};
    if (!places.set(target, capacity, place_owner(&l))) {
        unmap(target, capacity);
        return {};
    }
    places.clear(target, capacity);
    places.clear(b.data, b.capacity);
    const bool moved = move_mapping(b.data, b.capacity, target, capacity);
    const block now = moved ? block{target, capacity} : b;
    static_cast<void>(places.set(now.data, now.capacity, place_owner(&l))); // its tables are there: cannot fail
    if (moved)
        refused_moves.store(0, memory_order_relaxed);
    else
        refused_moves.fetch_add(1, memory_order_relaxed);
    return moved ? now : block{};
}

} // namespace

std::size_t large_store::capacity_for(std::size_t n) noexcept {
    const unsigned cls = class_of(n);
    return cls < cached_class_count ? class_bytes(cls) : (n + page_size - 1) & ~(page_size - 1);
}

block large_store::take_idle(std::size_t n) noexcept {
    for (unsigned i = best_slot(n); i != shelf_slots; i = best_slot(n)) {
        large_block* const l = take_slot(i);
        if (l == nullptr) continue;
        if (fits(*l, n)) return unshelved(*l);
        if (place_on_shelf(*l)) continue; // another one than we saw: back with it
        budget.give(unshelved(*l).capacity);
        unmap_record(*l);
    }
    return {};
}

block large_store::map_new(std::size_t n) noexcept {
    const std::size_t capacity = capacity_for(n);
    large_block* const l = large_records->take();
    if (l == nullptr) return {};
    std::byte* const at = map_aligned(capacity, chunk_size);
    if (at != nullptr && places.set(at, capacity, place_owner(l))) {
        l->describe(at, capacity);
        counters.mapped.add(capacity);
        counters.large_mapped.add(capacity);
        note_peaks();
        if (the_settings.huge() != huge_pages::off) advise_huge(at, capacity);
        return {at, capacity};
    }
    if (at != nullptr) unmap(at, capacity);
    large_records->give_back(*l);
    return {};
}

bool large_store::shelve(block b) noexcept {
    large_block& l = given_up(b.data);
    l.calm_since.store(0, memory_order_relaxed); // relaxed: ours until it is on the shelf
    counters.large_shelved.add(b.capacity);
    if (place_on_shelf(l)) return true;
    counters.large_shelved.sub(b.capacity);
    l.idle.store(false, memory_order_relaxed); // relaxed: the caller's again
    return false;
}

void large_store::unmap_block(block b) noexcept { unmap_record(given_up(b.data)); }

// Each call begins behind where the last one stopped: what was put just now, into the first free slot, would go before
// what nobody has wanted for long.
std::size_t large_store::purge(std::size_t bytes) noexcept {
    std::size_t done = 0;
    unsigned i = next_discarded.load(memory_order_relaxed); // relaxed, and below: a hint
    for (unsigned looked = 0; looked < shelf_slots && done < bytes; ++looked, i = (i + 1) % shelf_slots)
        if (large_block* const l = take_slot(i)) done += discard(*l);
    next_discarded.store(i, memory_order_relaxed);
    return done;
}

std::size_t large_store::age(const ageing& how) noexcept {
    std::size_t went = 0;
    for (unsigned i = 0; i < shelf_slots; ++i) {
        large_block* const seen = shelf[i].load(memory_order_acquire); // pairs with place_in_slot
        if (seen == nullptr) continue;
        std::uint64_t never = 0; // relaxed: a clock, it orders nothing
        if (seen->calm_since.compare_exchange_strong(never, how.now, memory_order_relaxed, memory_order_relaxed))
            continue;
        if (large_block* const l = take_slot(i)) went += age_block(*l, how);
    }
    return went;
}

std::size_t large_store::drop_weak() noexcept {
    std::size_t went = 0;
    for (unsigned i = 0; i < shelf_slots; ++i) {
        const large_block* const seen = shelf[i].load(memory_order_acquire);     // pairs with place_in_slot
        if (seen == nullptr || !seen->weak.load(memory_order_relaxed)) continue; // relaxed: a guess until it is ours
        if (large_block* const l = take_slot(i)) went += discard(*l);
    }
    return went;
}

// relaxed: nobody else is there.
void large_store::recount() noexcept {
    std::size_t shelved = 0, weak = 0;
    for (const auto& slot : shelf) {
        const large_block* const l = slot.load(memory_order_relaxed);
        if (l == nullptr) continue;
        const std::size_t capacity = l->capacity.load(memory_order_relaxed);
        shelved += capacity;
        if (l->weak.load(memory_order_relaxed)) weak += capacity;
    }
    counters.large_shelved.set(shelved);
    counters.large_weak.set(weak);
}

block large_store::grow(block b, std::size_t n) noexcept {
    large_block& l = large_at("growth", b.data);
    const std::size_t capacity = capacity_for(n);
    block grown = grow_in_place(l, b, capacity);
    if (grown.data == nullptr) grown = grow_elsewhere(l, b, capacity);
    if (grown.data == nullptr) return {};
    l.describe(grown.data, capacity);
    tools::grown(b, grown);
    counters.mapped.add(capacity - b.capacity);
    counters.large_mapped.add(capacity - b.capacity);
    note_peaks();
    return grown;
}

} // namespace synk::inline v1::detail
