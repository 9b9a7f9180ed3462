// Options, trim, statistics.

#include <stdexcept>
#include <string>

#include <synk/options.hpp>
#include <synk/stats.hpp>

#include "base/environment.hpp"
#include "base/settings.hpp"
#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "channel/channels.hpp"
#include "hardened/quarantine.hpp"
#include "pages/mapping.hpp"
#include "pages/system.hpp"
#include "reclaim/give_back.hpp"
#include "reclaim/keeper.hpp"
#include "reclaim/pressure.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1 {

namespace {

using namespace detail;

void check(const options& wanted) {
    if (const fault wrong = fault_in(wanted))
        throw std::invalid_argument(std::string("synk: option ") + wrong.range + ", not " + wrong.value);
}

std::chrono::milliseconds in_ms(std::uint64_t ns) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(ns));
}

void add_tier(statistics& s, unsigned tier) {
    const tier_counters& from = counters.tiers[tier];
    tier_statistics& to = s.tiers[tier];
    to.channel_hits = from.channel_hits.get();
    to.chunk_hits = from.chunk_hits.get();
    to.misses = from.misses.get();
    if (tier == tier_count) return;
    to.in_channel = channels[tier].size();
    to.channel_room = channels[tier].bound();
}

void add_hits(statistics& s) {
    const thread_caches::class_hits hits = thread_caches::hits();
    for (unsigned cls = 0; cls < cached_class_count; ++cls) s.tiers[tier_of_class(cls)].cache_hits += hits.of[cls];
}

void add_counts(statistics& s) {
    s.splits = counters.splits.get();
    s.restored = counters.restored.get();
    s.dropped = counters.dropped.get();
    s.given_back = counters.given_back.get();
    s.refused_advice = refused_advice();
}

std::size_t difference(std::size_t a, std::size_t b) { return a > b ? a - b : 0; }

void add_bytes(statistics& s) {
    s.mapped = counters.mapped.get();
    s.mapped_peak = counters.mapped_peak.get();
    s.in_use_peak = counters.owned_peak.get();
    s.idle_cached = thread_caches::idle_bytes();
    s.idle_channel = shared_store::channel_bytes();
    s.idle_chunk = counters.chunk_warm.get();
    s.idle_large = counters.large_shelved.get();
    s.weak = counters.chunk_weak.get() + counters.large_weak.get();
    s.idle_quarantine = quarantine::idle_bytes();
    s.idle = s.idle_cached + s.idle_channel + s.idle_chunk + s.idle_large + s.idle_quarantine;
    const std::size_t owned = counters.chunk_owned.get() + counters.large_mapped.get();
    const std::size_t unlent = s.idle_cached + s.idle_channel + s.idle_large + s.idle_quarantine;
    s.lent = difference(owned, unlent + counters.guarded_retired.get());
    s.gone = difference(s.mapped, s.lent + s.idle);
}

statistics look() {
    statistics s;
    for (unsigned tier = 0; tier <= tier_count; ++tier) add_tier(s, tier);
    add_hits(s);
    add_counts(s);
    add_bytes(s);
    return s;
}

} // namespace

void configure(const options& wanted) {
    check(wanted);
    const own_work mark;
    thread_caches::set_up(); // so that the environment does not come later and win
    budget.set_limit(wanted.idle_limit);
    the_settings.set(wanted);
    thread_caches::follow_options();
    quarantine::make_fit();
    if (budget.reserved() > wanted.idle_limit) make_fit(wanted.idle_limit);
    if (wanted.keeper) keeper::note_idle(); // it may have been off while something became idle
}

options current_options() noexcept {
    thread_caches::set_up(); // static initialisers of the program may come before those of the library
    options now;
    now.idle_limit = budget.limit();
    now.weak_after = in_ms(the_settings.weak_after_ns());
    now.gone_after = in_ms(the_settings.gone_after_ns());
    now.keeper = the_settings.keeper();
    now.trim_on_fork = the_settings.trim_on_fork();
    now.huge = the_settings.huge();
    now.zero_on_get = the_settings.zero_on_get();
    now.clear_on_put = the_settings.clear_on_put();
    now.hardened = the_settings.hardened();
    now.guard_sample = the_settings.guard_sample();
    now.quarantine = the_settings.quarantine();
    return now;
}

std::size_t maintain() noexcept { return keeper::visit_if_due(os().now()); }

int pressure_fd() noexcept { return pressure_source(); }

std::size_t on_pressure() noexcept {
    acknowledge_pressure();
    return keeper::relieve();
}

std::size_t trim(std::size_t keep) noexcept { return trim_idle(keep); }

statistics stats() noexcept {
    statistics s;
    keeper::look_between_visits([&s] { s = look(); });
    return s;
}

} // namespace synk::inline v1
