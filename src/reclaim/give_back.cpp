#include "reclaim/give_back.hpp"

#include "budget/idle_budget.hpp"
#include "cache/cache_directory.hpp"
#include "cache/thread_caches.hpp"
#include "hardened/quarantine.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

std::size_t over(std::size_t keep) noexcept {
    const std::size_t idle = idle_bytes();
    return idle > keep ? idle - keep : 0;
}

} // namespace

bool gather_idle() noexcept {
    cache_record* const own = thread_caches::own();
    const bool ours = own == nullptr || own->gate.entered() || thread_caches::behind_own_gate(thread_caches::empty);
    if (!ours) thread_caches::ask_own(); // as others' are asked
    const bool others = thread_caches::empty_others();
    shared_store::empty_channels();
    return ours && others;
}

std::size_t idle_bytes() noexcept {
    return thread_caches::idle_bytes() + shared_store::channel_bytes() + counters.chunk_warm.get() +
           counters.large_shelved.get() + quarantine::idle_bytes();
}

// First what nobody has close at hand.
std::size_t trim_idle(std::size_t keep) noexcept {
    const own_work mark;
    thread_caches::give_back_emptied(cache_directory::capacity);
    const std::size_t done = shared_store::purge(over(keep));
    if (over(keep) == 0) return done;
    quarantine::empty();
    for (attempts tries; !gather_idle() && tries.again();) {
    }
    return done + shared_store::purge(over(keep));
}

void gather_nearby() noexcept {
    thread_caches::behind_own_gate(thread_caches::empty);
    shared_store::empty_channels();
}

std::size_t give_back_nearby(std::size_t bytes) noexcept {
    const std::size_t done = shared_store::purge(bytes, shared_store::few_refusals);
    if (done >= bytes) return done;
    gather_nearby();
    return done + shared_store::purge(bytes - done, shared_store::few_refusals);
}

// Gathering leaves no reservation but those of idle bytes.
void make_fit(std::size_t limit) noexcept {
    trim_idle(limit);
    if (budget.reserved() <= limit) return;
    gather_idle();
    trim_idle(limit);
}

bool give_all_back() noexcept {
    quarantine::empty();
    const bool all = gather_idle();
    shared_store::unmap_free();
    return all;
}

} // namespace synk::inline v1::detail
