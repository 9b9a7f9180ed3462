#include "pools/rare_use.hpp"

#include <algorithm>

#include "pages/system.hpp"
#include "pools/few_lengths.hpp"

namespace synk::inline v1::detail {

namespace {

// Gets and puts past caches change what all processors share, so that all of them together shall do no more of it than
// one each so many ns.
constexpr std::uint64_t ns_apart = 8000;

// Uses that are no hits before a thread is looked at: when it has just begun, and then. Not often, as to ask for its
// time is a call of the system, which also finds that its turn is over: a quarter of all turns ended there with 16.
constexpr unsigned first_look = 16;
constexpr unsigned look_every = 256;

// Uses that tell: one may take much longer than the next. More of them before a cache is given up, as a few page faults
// take longer than some thousand uses.
constexpr unsigned enough_to_keep = 64;
constexpr unsigned enough_to_give_up = 1024;

void begin_to_measure(cache_record& own, std::uint64_t now, std::uint64_t hits, unsigned look_after) noexcept {
    own.slow_uses = 0;
    own.next_look = look_after;
    own.measured_at = now;
    own.hits_at_measure = hits;
}

// What came while nothing was kept says nothing of what will be.
void use_cache(cache_record& own) noexcept {
    own.uses_rarely = !thread_caches::behind_own_gate(thread_caches::forget_what_came);
}

// By the time that the thread has run: what it waits for, its turn or others, says nothing of what a hit would save it.
void look(cache_record& own) noexcept {
    const std::uint64_t now = os().processor_time(), hits = thread_caches::long_hits(own);
    if (own.measured_at == 0) return begin_to_measure(own, now, hits, first_look);
    const std::uint64_t uses = 2 * (hits - own.hits_at_measure) + own.slow_uses; // who gets by a hit puts by one
    if (uses == 0) return;                                                       // a signal handler has measured since
    const std::uint64_t apart = (now - own.measured_at) / processors() / uses;
    const unsigned enough = own.uses_rarely ? enough_to_keep : enough_to_give_up;
    if (uses < enough && apart >= ns_apart / 4) { // so many in so short a time are clear
        own.next_look = std::min(4 * own.next_look, own.next_look + look_every);
        return;
    }
    begin_to_measure(own, now, hits, look_every);
    if (own.uses_rarely && apart < ns_apart)
        use_cache(own);
    else if (!own.uses_rarely && apart >= 2 * ns_apart) // not to and fro by a little
        own.uses_rarely = thread_caches::behind_own_gate(thread_caches::empty_of_long);
}

} // namespace

bool rare_use::goes_past_cache(cache_record& own, unsigned cls) noexcept {
    if (class_bytes(cls) < size_map::least_common || cls >= chunk_class_count) return false;
    if (thread_caches::threads() <= rare_use::threads_a_processor * processors() || few_lengths::must_see_blocks()) {
        if (own.uses_rarely && own.measured_at != 0) use_cache(own);
        own.uses_rarely = false; // or what it comes to have now would stay in its cache for good
        own.measured_at = 0;     // what it does meanwhile is not counted
        return false;
    }
    if (own.measured_at == 0 || own.slow_uses >= own.next_look) look(own);
    ++own.slow_uses;
    return own.uses_rarely;
}

} // namespace synk::inline v1::detail
