#include "pools/rare_use.hpp"

#include <utility>

#include "pages/system.hpp"
#include "pools/few_lengths.hpp"

namespace synk::inline v1::detail {

namespace {

// Gets and puts past caches change what all processors share, so that all of them together shall do no more of it than
// one each so many ns.
constexpr std::uint64_t ns_apart = 8000;

constexpr unsigned measure_every = 16; // uses that are no hits: to ask for a thread's time is a call of the system

// By the time that the thread has run: what it waits for, its turn or others, says nothing of what a hit would save it.
void measure(cache_record& own) noexcept {
    const std::uint64_t now = os().processor_time(), hits = thread_caches::long_hits(own);
    const std::uint64_t uses = 2 * (hits - own.hits_at_measure) + measure_every; // who gets by a hit puts by one
    const std::uint64_t apart = (now - own.measured_at) / processors() / uses;
    const bool is_first = std::exchange(own.measured_at, now) == 0;
    own.hits_at_measure = hits;
    if (is_first) return;
    if (own.uses_rarely)
        own.uses_rarely = apart >= ns_apart;
    else if (apart >= 2 * ns_apart) // not to and fro by a little
        own.uses_rarely = thread_caches::behind_own_gate(thread_caches::empty_of_long);
}

} // namespace

bool rare_use::goes_past_cache(cache_record& own, unsigned cls) noexcept {
    if (class_bytes(cls) < size_map::least_common || cls >= chunk_class_count) return false;
    if (thread_caches::threads() <= processors() || few_lengths::must_see_blocks()) {
        own.measured_at = 0; // what it does meanwhile is not counted
        return false;
    }
    if (own.slow_uses++ % measure_every == 0) measure(own);
    return own.uses_rarely;
}

} // namespace synk::inline v1::detail
