#include "pools/growth.hpp"

#include <algorithm>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "reclaim/give_back.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

void note_growth() noexcept {
    cache_record* const c = thread_caches::own();
    if (c != nullptr) c->evictions = c->put_together_when_due = 0;
}

// What may lie idle when the thread is served by new memory: a thread that has most of it itself takes nobody's room.
std::size_t room_for(const cache_record& c, std::size_t idle) noexcept {
    const bool has_most = c.reserved.load(memory_order_relaxed) > idle / 2; // relaxed: a recent value
    return has_most ? budget.most_for_one() : budget.limit() / 2;
}

// What goes back goes in whole runs, often more than is due: the rest is for the next time.
void pay(std::size_t bytes) noexcept {
    constexpr unsigned frugal_misses = 256;
    cache_record* const c = thread_caches::own();
    if (c != nullptr) c->gathers_first = frugal_misses;
    const std::size_t before = c != nullptr ? std::min(c->overpaid, bytes) : 0;
    if (c != nullptr) c->overpaid -= before; // at once: a signal handler may pay, too
    const std::size_t due = bytes - before;
    const std::size_t paid = due != 0 ? give_back_nearby(due) : 0;
    if (c != nullptr) c->overpaid += std::max(paid, due) - due;
}

} // namespace

std::size_t growth::lent_bytes(std::size_t room) noexcept {
    const std::size_t reserved = budget.reserved(), idle = reserved - std::min(reserved, room);
    const std::size_t large = counters.large_mapped.get() - counters.guarded_retired.get();
    const std::size_t resident = counters.chunk_owned.get() + counters.chunk_warm.get() + large;
    return resident > idle ? resident - idle : 0; // read one after another: may be off for a moment
}

std::size_t growth::idle_allowance() noexcept {
    const std::size_t limit = budget.limit();
    const std::size_t lent = lent_bytes();
    return std::max(lent / 1024, lent < limit ? 2 * (limit - lent) : 0);
}

bool growth::has_to_pay() noexcept { return budget.reserved() > idle_allowance(); }

bool growth::gathers_first() noexcept {
    cache_record* const c = thread_caches::own();
    if (c == nullptr || c->gathers_first == 0) return false;
    --c->gathers_first;
    return has_to_pay();
}

bool growth::is_short() noexcept { return budget.reserved() > budget.most_for_one() || has_to_pay(); }

growth::longer growth::may_lend_longer() noexcept {
    constexpr unsigned cut_every = 256;
    cache_record* const c = thread_caches::own();
    if (c == nullptr || budget.reserved() <= budget.limit() / 2 || idle_allowance() < budget.limit()) return longer::no;
    if (c->evictions % cut_every != cut_every - 1) return longer::yes;
    ++c->evictions; // this turn is taken, wherever the block comes from
    return longer::not_this_time;
}

bool growth::is_due() noexcept {
    constexpr unsigned patience = 16;
    constexpr unsigned patience_to_pay = 128;
    const cache_record* const c = thread_caches::own();
    if (c == nullptr || c->evictions < patience) return false;
    const std::size_t idle = budget.reserved();
    if (idle > room_for(*c, idle)) return false;
    return c->evictions >= patience_to_pay || idle <= idle_allowance();
}

void growth::note_put_together(unsigned cls) noexcept {
    cache_record* const c = thread_caches::own();
    if (c != nullptr) c->put_together_when_due = cls;
}

bool growth::is_overdue(unsigned cls) noexcept {
    constexpr unsigned a_quarter = 2 * class_fan; // classes further down
    const cache_record* const c = thread_caches::own();
    return c != nullptr && cls + a_quarter <= c->put_together_when_due && is_due();
}

void growth::note_eviction() noexcept {
    cache_record* const c = thread_caches::own();
    if (c != nullptr) ++c->evictions;
}

void growth::account_for(const found_blocks& found, memory from) noexcept {
    if (found.cold_bytes == 0) return;
    const std::size_t idle = budget.reserved();
    // What came beside the block is for the next gets: where nothing else is idle, to pay with it would break each huge
    // page that is begun.
    const std::size_t allowed = idle_allowance() + found.beside_bytes;
    if (idle <= allowed) {
        if (from == memory::new_to_pool) note_growth();
    } else if (is_due()) {
        note_growth();
    } else {
        note_eviction();
        pay(std::min(found.cold_bytes, idle - allowed));
    }
}

} // namespace synk::inline v1::detail
