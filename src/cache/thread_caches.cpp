#include "cache/thread_caches.hpp"

#include <algorithm>
#include <new>

#include <pthread.h>

#include "base/environment.hpp"
#include "base/settings.hpp"
#include "budget/idle_budget.hpp"
#include "cache/cache_directory.hpp"
#include "cache/closing_gates.hpp"
#include "cache/lenders.hpp"
#include "cache/stay_loaded.hpp"
#include "cache/work_in_hand.hpp"
#include "checks/tools.hpp"
#include "pages/record_store.hpp"
#include "pages/system.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

constinit cache_entrance no_cache{cache_gate::walled_up()};
constinit thread_local hit_start this_thread_start{&no_cache, {}};
constinit thread_local unsigned own_work::depth = 0;
constinit thread_local atomic<const cache_record*> in_hands{nullptr};

namespace {

// What else a thread knows of itself. Trivial: it needs no destructor and is there before and after all
// others.
enum class thread_phase : unsigned char { fresh, making, cached, ended };
// relaxed throughout: nobody but this thread, and signal handlers that interrupt it, sees it.
constinit thread_local atomic<thread_phase> phase [[gnu::tls_model("initial-exec")]]{thread_phase::fresh};

constinit bool interrupted = false; // by the last fork, in the child; its one thread's

bool has_own() noexcept { return this_thread_start.cache != &no_cache; }

constinit atomic<unsigned> thread_count{0}; // that have a cache; relaxed throughout: a recent value will do
constinit atomic<unsigned> next_look{0};    // where empty_resting() goes on; relaxed throughout: anywhere will do

// 1 while every get and put shall go the slow way. Changed and asked by read-modify-writes, of which one is the later:
//     S1: follow_options() changes it, and then tells each cache in the directory.
//     S2: a thread that begins has its cache there, tells it what it has read, and asks again.
// If S1 is later it finds the cache there, and tells it after the thread did; if S2 is later it reads the change.
// Two threads that change the options at the same time: who is the later one at slow_only, or at a cache, has there
// acquired the options that the other one has set, and follows those when it looks again (S3).
constinit atomic<std::uint8_t> slow_only{0};

enum class setup_state : unsigned char { none, running, done, refused };
constinit atomic<setup_state> setup{setup_state::none};
pthread_key_t end_of_thread; // written once, published by setup = done

constinit atomic<bool> asymmetric{false}; // membarrier is to be had

void end_thread(void* record) noexcept {
    auto& c = *static_cast<cache_record*>(record);
    const in_our_hands here(c);
    thread_count.fetch_sub(1, memory_order_relaxed); // first: of a fork between the two the child counts one too many
    this_thread_start.cache = &no_cache;
    phase.store(thread_phase::ended, memory_order_relaxed);
    if (c.gate.enter_slow()) {
        begin_work_on(c);
        thread_caches::empty(c);
        end_work_on(c);
        c.gate.leave();
    }
    all_caches.leave(c); // one that another thread is just emptying is left to it, with what it holds
}

constinit atomic<bool> has_forked{false};

// With nothing mapped there is nothing to share. relaxed: the next visit sees it.
void note_fork() noexcept {
    if (counters.mapped.get() != 0) has_forked.store(true, memory_order_relaxed);
}

// Who changed what it reserves may have been about to say so.
void note_reserving(const cache_record& c) noexcept {
    all_caches.note_reserving(c, c.reserved.load(memory_order_relaxed) != 0);
}

// Nobody's for ever, and what it holds is lost, and so is not idle.
void abandon(cache_record& c) noexcept {
    all_caches.take(c);
    c.at_work.store(nullptr, memory_order_relaxed);     // a thread that may come to have that one's name is another
    budget.give(c.reserved.load(memory_order_relaxed)); // relaxed, here and above: only this thread runs
    c.set_reserved(0);
}

// The child goes on with its cache. Where another thread had it when it forked, and will not open its gate again, the
// next use makes a new one.
void take_over_own() noexcept {
    if (!has_own()) return;
    auto& own = *static_cast<cache_record*>(this_thread_start.cache);
    if (is_at_work_on(own)) interrupted = true;   // a visit of ours ages it, and opens its gate
    if (own.gate.entered_slow()) own.gate.open(); // whoever was closing it would have left it to us
    if (is_at_work_on(own) || !own.gate.held()) return note_reserving(own);
    abandon(own);
    thread_count.store(0, memory_order_relaxed);
    this_thread_start.cache = &no_cache;
    phase.store(thread_phase::fresh, memory_order_relaxed);
    ::pthread_setspecific(end_of_thread, nullptr);
}

// Child of a fork: the other threads are not there any more. Their caches are free, but for those that somebody was
// behind the gate of, and for the bin in which a thread was stopped in the middle of its get or put.
void caches_after_fork() noexcept {
    note_fork();
    if (asymmetric.load(memory_order_relaxed)) os().register_barrier();
    if (has_own()) static_cast<cache_record*>(this_thread_start.cache)->measured_at = 0; // its time begins anew
    interrupted = own_work::under_way() || (has_own() && this_thread_start.cache->gate.entered());
    thread_count.store(has_own() ? 1 : 0, memory_order_relaxed);
    all_caches.each([](cache_record& c) {
        if (&c == this_thread_start.cache) return;
        if (is_at_work_on(c)) {
            interrupted = true;
            if (is_anothers_work(c)) abandon(c); // whom we were about to try in vain
            return;
        }
        const gate_hold hold = c.gate.close([] {}, false); // nobody runs who could be inside: no barrier needed
        if (!hold) return abandon(c);
        thread_caches::abandon_bin(c, hold.in_use());
        note_reserving(c);
        c.gate.forget_owner();
        c.gate.open();
        all_caches.leave(c);
    });
    take_over_own();
}

void apply_environment() noexcept {
    const options wanted = options_from_environment();
    budget.set_limit(wanted.idle_limit);
    the_settings.set(wanted);
    if (the_settings.no_hits()) slow_only.store(1, memory_order_relaxed); // published by setup
}

// Once in the process; whoever comes while it runs does without a cache for that moment.
bool ready() noexcept {
    setup_state seen = setup.load(memory_order_acquire); // pairs with the release below
    if (seen == setup_state::done) return true;
    if (seen != setup_state::none ||
        !setup.compare_exchange_strong(seen, setup_state::running, memory_order_relaxed, memory_order_relaxed))
        return false;
    require_page(system_page());
    static_cast<void>(processors()); // before a thread that is bound to one is the first to ask
    apply_environment();
    asymmetric.store(os().register_barrier(), memory_order_relaxed); // relaxed: published by setup
    if (!asymmetric.load(memory_order_relaxed) && !SYNK_TSAN) slow_only.store(1, memory_order_relaxed);
    if (tools::active()) slow_only.store(1, memory_order_relaxed);
    const bool made = ::pthread_key_create(&end_of_thread, end_thread) == 0;
    if (made) ::pthread_atfork(nullptr, note_fork, caches_after_fork);
    setup.store(made ? setup_state::done : setup_state::refused, memory_order_release); // publishes the above
    return made;
}

// Before main() and before dlopen() returns, when no signal handler of the program's and hardly a thread is there: the
// setting up takes locks of the C library's and the loader's, for which a get must not wait. Early among constructors:
// the keeper follows forks behind us. With pages of another size it is left to the first use to say so.
[[gnu::constructor(1000)]] void set_up_at_load() noexcept {
    if (system_page() == page_size) static_cast<void>(ready());
    stay_loaded();
}

cache_record* make_record() noexcept {
    if (all_caches.is_full()) return nullptr;
    auto* const memory = static_cast<std::byte*>(take_record_memory(sizeof(cache_record) + page_size));
    if (memory == nullptr) return nullptr;
    auto* const c = new (static_cast<void*>(thread_caches::place_in(memory, this_thread_start))) cache_record;
    c->set_up();
    name_as_lender(*c);
    take_in_hands(c);
    return all_caches.enter(*c) ? c : nullptr;
}

void follow_slow_only(cache_record& c) noexcept {
    std::uint8_t told = slow_only.load(memory_order_relaxed); // relaxed: S2 decides
    for (;;) {
        c.gate.set_slow_only(told != 0);
        const std::uint8_t now = slow_only.fetch_or(0, memory_order_release); // S2, publishes to S1
        if (now == told) return;
        told = now;
    }
}

cache_record* make_own() noexcept {
    if (!ready()) return nullptr;
    cache_record* c = all_caches.take([](const cache_record& free) { take_in_hands(&free); });
    if (c == nullptr) c = make_record();
    if (c == nullptr) return nullptr;
    if (::pthread_setspecific(end_of_thread, c) != 0) { // nobody would hand it on
        all_caches.leave(*c);
        return nullptr;
    }
    c->begin();
    follow_slow_only(*c);
    return c;
}

} // namespace

bool thread_caches::set_up() noexcept { return ready(); }

bool thread_caches::barrier() noexcept {
    return !asymmetric.load(memory_order_relaxed) || os().barrier(); // relaxed: written before the first cache is there
}

cache_record* thread_caches::own() noexcept {
    if (has_own()) return static_cast<cache_record*>(this_thread_start.cache);
    thread_phase seen = thread_phase::fresh;
    // making: pthread_setspecific may allocate, and the allocator may be us; a signal handler may come between.
    if (!phase.compare_exchange_strong(seen, thread_phase::making, memory_order_relaxed, memory_order_relaxed))
        return nullptr;
    const in_our_hands whatever_it_makes;
    cache_record* const c = make_own();
    phase.store(c != nullptr ? thread_phase::cached : thread_phase::fresh, memory_order_relaxed);
    if (c != nullptr) {
        this_thread_start.cache = c;
        thread_count.fetch_add(1, memory_order_relaxed); // behind it: as at a thread's end
    }
    return c;
}

bool thread_caches::empty_others() noexcept {
    closing_gates closing(true);
    all_caches.each_reserving([&closing](cache_record& c) {
        if (&c != this_thread_start.cache) closing.add(c, empty_all_but);
    });
    closing.rest(empty_all_but);
    return closing.all();
}

void thread_caches::age() noexcept {
    closing_gates closing(false);
    all_caches.each_reserving([&closing](cache_record& c) { closing.add(c, age_all_but); });
    closing.rest(age_all_but);
}

namespace {

std::uint64_t hits_of(const cache_record& c) noexcept {
    std::uint64_t sum = 0;
    for (unsigned cls = 0; cls < cached_class_count; ++cls) sum += c.bin(cls).hits();
    return sum;
}

// Runs work(cache_record&, in_use) behind the gate of one cache, if it is to be had.
template <class Work>
void behind_gate_of(cache_record& c, Work work) noexcept {
    const in_our_hands here(c);
    const gate_hold hold = c.gate.close(thread_caches::barrier, false);
    if (!hold) return;
    begin_work_on(c);
    work(c, hold.in_use());
    c.gate.open();
    end_work_on(c);
}

// Whether a cache has served no get since the last look of somebody who would take from it: its thread does not run.
bool rests(cache_record& c) noexcept {
    const std::uint64_t hits = hits_of(c);
    return c.hits_at_look.exchange(hits, memory_order_relaxed) == hits; // relaxed: a guess
}

// Returns the bytes that the cache no longer reserves.
std::size_t empty_if_resting(cache_record& c) noexcept {
    const std::size_t reserved = c.reserved.load(memory_order_relaxed); // relaxed: a recent value
    if (&c == this_thread_start.cache || reserved == 0 || !rests(c)) return 0;
    std::size_t given_up = 0;
    behind_gate_of(c, [&given_up](cache_record& closed, unsigned in_use) {
        given_up = closed.reserved.load(memory_order_relaxed); // relaxed, both: nobody else changes it now
        thread_caches::empty_all_but(closed, in_use);
        given_up -= closed.reserved.load(memory_order_relaxed);
    });
    return given_up;
}

} // namespace

// A few caches a call, so that it costs the same with any number of threads.
void thread_caches::empty_resting(std::size_t bytes) noexcept {
    unsigned from = next_look.load(memory_order_relaxed);
    std::size_t done = 0;
    for (unsigned looks = 0; looks < 16 && done < bytes; ++looks) {
        cache_record* const c = all_caches.next_reserving(from);
        if (c == nullptr) break;
        done += empty_if_resting(*c);
        from = c->number + 1;
    }
    next_look.store(from, memory_order_relaxed); // the next call goes on behind them
}

namespace {

// From behind the gate, all of it. Where no bin holds anything, and none has a limit, the slots may be zero, as they
// were at first. False: something is there.
bool give_slots_back(cache_record& c) noexcept {
    if (c.reserved.load(memory_order_relaxed) != 0) return false; // relaxed: behind the gate
    auto* const slots = reinterpret_cast<std::byte*>(c.slots);
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(slots) % page_size; // in a page that others begin
    const std::size_t whole_pages = (sizeof(c.slots) - before) / page_size * page_size;
    os().advise(slots + before, whole_pages, advice::gone); // refused: they stay as they are
    return true;
}

// Of one that no thread has. False: somebody who empties it is behind its gate yet.
bool give_slots_of_left_back(cache_record& c) noexcept {
    if (!c.gate.enter_slow()) return false;
    begin_work_on(c);
    const bool empty = give_slots_back(c);
    c.gate.leave();
    end_work_on(c);
    return empty;
}

// Where a thread has it, who came between has it emptied again, or leaves it.
bool give_back_if_emptied(cache_record& c) noexcept {
    const in_our_hands here(c);
    if (!all_caches.take(c)) {
        behind_gate_of(c, [](cache_record& closed, unsigned in_use) {
            if (in_use == gate_hold::no_part) give_slots_back(closed);
        });
        return true;
    }
    const bool done = give_slots_of_left_back(c);
    all_caches.put_back(c);
    return done;
}

} // namespace

void thread_caches::give_back_emptied(unsigned most) noexcept { all_caches.each_emptied(most, give_back_if_emptied); }

void thread_caches::ask_own() noexcept {
    if (has_own()) this_thread_start.cache->gate.ask();
}

bool thread_caches::interrupted_by_fork() noexcept { return interrupted; }

bool thread_caches::forked() noexcept { return has_forked.load(memory_order_relaxed); } // relaxed: see note_fork

unsigned thread_caches::threads() noexcept { return std::max(1U, thread_count.load(memory_order_relaxed)); }

namespace {

bool always_slow() noexcept {
    const bool no_barrier =
        setup.load(memory_order_acquire) == setup_state::done && !asymmetric.load(memory_order_relaxed) && !SYNK_TSAN;
    return no_barrier || tools::active();
}

} // namespace

void thread_caches::follow_options() noexcept {
    bool no_hits = false;
    do {
        no_hits = the_settings.no_hits();
        const bool on = no_hits || always_slow();
        static_cast<void>(slow_only.exchange(on ? 1 : 0, memory_order_acq_rel)); // S1, acquires S2
        all_caches.each([on](cache_record& c) { c.gate.set_slow_only(on); });
    } while (the_settings.no_hits() != no_hits); // S3
}

} // namespace synk::inline v1::detail
