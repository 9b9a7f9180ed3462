#include "hardened/guarded_blocks.hpp"

#include "base/settings.hpp"
#include "base/zeroed.hpp"
#include "checks/fatal.hpp"
#include "checks/misuse.hpp"
#include "chunks/address_map.hpp"
#include "chunks/slot_table.hpp"
#include "hardened/mark.hpp"
#include "pages/mapping.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

// At a time, those in quarantine included. Each takes two mappings, and Linux allows a process 65,530 unless it is told
// otherwise: half of them are left to the program, and to the ordinary blocks that are lent from there on.
constexpr unsigned max_guarded = 1U << 14;
constexpr std::size_t guard_size = std::size_t{1} << 20; // bytes before a block, and at least as many behind it

constinit zeroed<slot_table<guarded_block, max_guarded>> guarded_records;

// Whether it is the turn of a guarded block. Multiples of the golden ratio spread evenly over the 64-bit numbers, so
// that one in `sample` is low enough, and no rhythm in which a program gets its blocks can avoid those turns.
bool is_turn() noexcept {
    static constinit atomic<std::uint64_t> sum{0};
    const std::uint64_t sample = the_settings.guard_sample();
    if (!the_settings.hardened() || sample == 0) return false;
    return sum.fetch_add(0x9E3779B97F4A7C15U, memory_order_relaxed) <= ~std::uint64_t{0} / sample; // relaxed: a count
}

std::size_t whole_pages(std::size_t n) noexcept { return (n + page_size - 1) & ~(page_size - 1); }

// Of the whole place, guards included.
std::size_t place_size(std::size_t n) noexcept {
    return (whole_pages(n) + 2 * guard_size + chunk_size - 1) & ~(chunk_size - 1);
}

// The place's address; null when the system refuses.
std::byte* map_place(guarded_block& g, std::size_t n) noexcept {
    const std::size_t size = place_size(n);
    std::byte* const place = reserve_aligned(size, chunk_size);
    if (place == nullptr) return nullptr;
    if (make_accessible(place + guard_size, whole_pages(n)) && places.set(place, size, place_owner(&g))) return place;
    unmap(place, size);
    return nullptr;
}

void count_mapped(std::size_t n) noexcept {
    counters.mapped.add(whole_pages(n));
    counters.large_mapped.add(whole_pages(n));
    counters.tiers[tier_of(n)].misses.add();
    note_peaks();
}

// relaxed, everywhere: the record is handed over with the block.
std::size_t size_of(const guarded_block& g) noexcept { return g.size.load(memory_order_relaxed); }

void check_mark(const std::byte* data, std::size_t n) noexcept {
    const std::size_t touched = first_touched(data + n, whole_pages(n) - n);
    if (touched == whole_pages(n) - n) return;
    fatal("put of %p: its %zu bytes were overrun, the byte at offset %zu was written; find the write with "
          "AddressSanitizer, or a watchpoint on %p",
          static_cast<const void*>(data), n, n + touched, static_cast<const void*>(data + n + touched));
}

guarded_block& guarded_at(const std::byte* data) noexcept {
    guarded_block* const g = places.find(data).as_guarded();
    if (g == nullptr) fail_foreign_handle("put", data);
    if (g->data.load(memory_order_relaxed) != data) fail_copied_handle("put", data); // its place is another block's
    return *g;
}

} // namespace

held_block guarded_blocks::get(std::size_t n) noexcept {
    if (!is_turn()) return {};
    if (n == 0) n = 1;
    guarded_block* const g = guarded_records->take();
    if (g == nullptr) return {};
    std::byte* const place = map_place(*g, n);
    if (place == nullptr) {
        guarded_records->give_back(*g);
        return {};
    }
    std::byte* const data = place + guard_size;
    g->data.store(data, memory_order_relaxed);
    g->size.store(n, memory_order_relaxed);
    g->state.store(guarded_state::in_handle, memory_order_relaxed);
    mark(data + n, whole_pages(n) - n);
    count_mapped(n);
    return held_block::guarded(data, n);
}

bool guarded_blocks::retire(std::byte* data) noexcept {
    guarded_block& g = guarded_at(data);
    // Of two that put the same block at the same time one finds it retired. relaxed: it decides, it publishes nothing.
    if (g.state.exchange(guarded_state::retired, memory_order_relaxed) != guarded_state::in_handle)
        fail_copied_handle("put", data);
    check_mark(data, size_of(g));
    counters.guarded_retired.add(whole_pages(size_of(g)));
    if (!make_inaccessible(data, whole_pages(size_of(g)))) return false;
    counters.given_back.add(whole_pages(size_of(g)));
    return true;
}

std::size_t guarded_blocks::whole_size(const std::byte* data) noexcept {
    return whole_pages(size_of(guarded_at(data)));
}

std::size_t guarded_blocks::unmap_retired(std::byte* data) noexcept {
    guarded_block& g = guarded_at(data);
    const std::size_t n = size_of(g);
    std::byte* const place = data - guard_size;
    places.clear(place, place_size(n));
    g.state.store(guarded_state::unused, memory_order_relaxed);
    g.data.store(nullptr, memory_order_relaxed);
    counters.guarded_retired.sub(whole_pages(n));
    counters.large_mapped.sub(whole_pages(n));
    // Refused (too many mappings), the addresses are lost, but no memory.
    if (unmap(place, place_size(n)))
        counters.mapped.sub(whole_pages(n));
    else
        advise_gone(data, whole_pages(n));
    guarded_records->give_back(g);
    return whole_pages(n);
}

} // namespace synk::inline v1::detail
