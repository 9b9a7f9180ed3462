#include "hardened/quarantine.hpp"

#include <algorithm>
#include <cstring>

#include "base/settings.hpp"
#include "base/zeroed.hpp"
#include "budget/idle_budget.hpp"
#include "checks/fatal.hpp"
#include "checks/misuse.hpp"
#include "checks/tools.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk_index.hpp"
#include "hardened/delay_ring.hpp"
#include "hardened/guarded_blocks.hpp"
#include "hardened/mark.hpp"
#include "large/large_store.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

// An item is a block's address; the bits that are free in it carry the class, or that it is guarded.
constinit zeroed<delay_ring> ring;
constexpr std::uint64_t guarded_mark = page_size - 1;

constinit atomic<std::size_t> delayed{0}; // bytes of all that lies here, or is about to
constinit counter delayed_idle;           // of it: what has memory behind it

// Where the last ageing found the head, and when.
constinit atomic<std::uint64_t> aged_head{0};
constinit atomic<std::uint64_t> aged_at{0}; // ns

std::size_t limit() noexcept {
    return the_settings.hardened() ? std::min(the_settings.quarantine(), budget.limit() / 2) : 0;
}

std::uint64_t item_of(const std::byte* data, std::uint64_t low_bits) noexcept {
    return reinterpret_cast<std::uintptr_t>(data) | low_bits;
}

// What an item says.
struct quarantined {
    explicit quarantined(std::uint64_t item) noexcept
        : data(reinterpret_cast<std::byte*>(item & ~guarded_mark)), cls(static_cast<unsigned>(item & guarded_mark)),
          guarded(cls == guarded_mark) {}
    std::byte* data;
    unsigned cls; // of a block that is not guarded
    bool guarded;
};

// Says in the block's record that it is here, or no longer. Returns what it said before. relaxed: of two that put the
// same block the exchange finds the second; it publishes nothing.
bool set_held(const std::byte* data, bool held) noexcept {
    const place_owner owner = places.find(data);
    if (large_block* const l = owner.as_large()) return l->held.exchange(held, memory_order_relaxed);
    chunk* const c = owner.as_chunk();
    if (c == nullptr) fail_foreign_handle("put", data);
    if (c->record_at(c->page_of(data)).none()) fail_wrong_record("put", *c, data);
    auto& record = c->record(c->page_of(data));
    const std::uint32_t before = held ? record.fetch_or(block_record::held_bit, memory_order_relaxed)
                                      : record.fetch_and(~block_record::held_bit, memory_order_relaxed);
    return (before & block_record::held_bit) != 0;
}

void fill(block b) noexcept {
    if (tools::active())
        tools::idle(b);
    else
        mark(b.data, b.capacity);
}

void check_fill(block b) noexcept {
    if (tools::active()) return;
    const std::size_t touched = first_touched(b.data, b.capacity);
    if (touched != b.capacity)
        fatal("reuse of %p: this block of %zu bytes was put, and the byte at offset %zu was written after that; guard "
              "all blocks (SYNK_GUARD_SAMPLE=1) to stop at the write",
              static_cast<const void*>(b.data), b.capacity, touched);
    if (the_settings.clear_on_put()) std::memset(b.data, 0, b.capacity);
}

void release(block b) noexcept {
    check_fill(b);
    set_held(b.data, false);
    delayed_idle.sub(b.capacity);
    budget.give(b.capacity);
    shared_store::put(b);
}

void let_go(std::uint64_t item) noexcept {
    const quarantined q(item);
    std::size_t bytes = 0;
    if (q.guarded)
        bytes = guarded_blocks::unmap_retired(q.data);
    else
        release({q.data, bytes = class_bytes(q.cls)});
    delayed.fetch_sub(bytes, memory_order_relaxed); // relaxed: a count
}

// Room for so many bytes, if need be by letting go what came first.
bool take_room(std::size_t bytes) noexcept {
    while (delayed.fetch_add(bytes, memory_order_relaxed) + bytes > limit()) { // relaxed: a count
        delayed.fetch_sub(bytes, memory_order_relaxed);
        const std::uint64_t first = bytes <= limit() ? ring->pop(ring->head()) : 0;
        if (first == 0) return false;
        let_go(first);
    }
    return true;
}

// The same, with a reservation of the budget for memory that lies idle.
bool take_idle_room(std::size_t bytes) noexcept {
    if (!take_room(bytes)) return false;
    if (budget.take(bytes)) return true;
    shared_store::purge(bytes);
    if (budget.take(bytes)) return true;
    delayed.fetch_sub(bytes, memory_order_relaxed); // relaxed: a count
    return false;
}

// The limit may have been lowered since there was room, by who has looked here already.
void lay(std::uint64_t item) noexcept {
    if (const std::uint64_t first = ring->push(item)) let_go(first);
    quarantine::make_fit();
}

} // namespace

bool quarantine::hold(block b) noexcept {
    const unsigned cls = class_of(b.capacity);
    if (set_held(b.data, true)) fail_copied_handle("put", b.data);
    if (cls >= cached_class_count || !take_idle_room(b.capacity)) {
        set_held(b.data, false);
        return false;
    }
    fill(b);
    delayed_idle.add(b.capacity);
    lay(item_of(b.data, cls));
    return true;
}

void quarantine::hold_guarded(held_block b) noexcept {
    const bool retired = guarded_blocks::retire(b.data);
    const std::size_t bytes = (b.capacity() + page_size - 1) & ~(page_size - 1);
    if (retired && take_room(bytes))
        lay(item_of(b.data, guarded_mark));
    else
        guarded_blocks::unmap_retired(b.data);
}

void quarantine::make_fit() noexcept {
    if (limit() == 0) return empty();
    while (delayed.load(memory_order_relaxed) > limit()) { // relaxed: a count
        const std::uint64_t first = ring->pop(ring->head());
        if (first == 0) return;
        let_go(first);
    }
}

void quarantine::empty() noexcept { ring->sweep(let_go); }

// relaxed: clocks and counts of the one visitor that there is at a time.
void quarantine::age(std::uint64_t now) noexcept {
    if (delayed.load(memory_order_relaxed) == 0) return; // relaxed: a count; what comes just now is young
    if (now - aged_at.load(memory_order_relaxed) < the_settings.weak_after_ns()) return;
    const std::uint64_t end = aged_head.load(memory_order_relaxed);
    if (ring->head() == end) // nothing came since: whatever lies here is old, wherever it lies
        empty();
    else
        while (const std::uint64_t first = ring->pop(end)) let_go(first);
    aged_head.store(ring->head(), memory_order_relaxed);
    aged_at.store(now, memory_order_relaxed);
}

void quarantine::recount() noexcept {
    if (delayed.load(memory_order_relaxed) == 0) return; // relaxed, as below: nobody else is there
    std::size_t all = 0, idle = 0;
    ring->look([&](std::uint64_t item) {
        const quarantined q(item);
        const std::size_t bytes = q.guarded ? guarded_blocks::whole_size(q.data) : class_bytes(q.cls);
        all += bytes;
        if (!q.guarded) idle += bytes;
    });
    delayed.store(all, memory_order_relaxed);
    delayed_idle.set(idle);
}

std::size_t quarantine::idle_bytes() noexcept { return delayed_idle.get(); }

} // namespace synk::inline v1::detail
