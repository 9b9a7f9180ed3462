#include "reclaim/keeper.hpp"

#include <csignal>

#include <poll.h>
#include <pthread.h>

#include "base/settings.hpp"
#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "pages/system.hpp"
#include "reclaim/give_back.hpp"
#include "reclaim/pressure.hpp"
#include "shared/shared_store.hpp"

namespace synk::inline v1::detail {

namespace {

constexpr std::size_t worth_a_thread = std::size_t{1} << 20; // bytes

// none -> starting -> awake <-> asleep; failed: no thread was to be had, the slow paths do the work.
enum class phase : int { none, starting, awake, asleep, failed };
constinit atomic<phase> state{phase::none};
constinit atomic<bool> prepared{false};        // the fork handlers are there
constinit atomic<bool> visiting{false};        // one visitor at a time; others go on
constinit atomic<bool> forked{false};          // pages may be shared with another process: MADV_FREE would not hold
constinit atomic<std::uint64_t> last_visit{0}; // ns

std::uint64_t interval() noexcept { return the_settings.weak_after_ns() / 4; }

// Under the weak step: what a fork shares, the system would keep.
void before_fork() noexcept {
    if (the_settings.trim_on_fork())
        trim_idle(0);
    else
        shared_store::drop_weak();
}

void after_fork_in_parent() noexcept { forked.store(true, memory_order_relaxed); } // relaxed: seen by the next visit

// The keeper is not there in the child, nor a visitor that another thread was.
void after_fork_in_child() noexcept {
    forked.store(true, memory_order_relaxed); // relaxed, all three: only this thread runs
    visiting.store(false, memory_order_relaxed);
    state.store(phase::none, memory_order_relaxed);
    forget_pressure_sources();
}

void prepare_for_forks() noexcept {
    if (!prepared.exchange(true, memory_order_relaxed)) // relaxed: the exchange decides who does it
        ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

std::size_t visit(std::uint64_t now) noexcept {
    thread_caches::age();
    const ageing how{now, the_settings.gone_after_ns() - the_settings.weak_after_ns(),
                     !forked.load(memory_order_relaxed)}; // relaxed: set before or after this visit
    return shared_store::age(how);
}

int poll_timeout() noexcept {
    const std::uint64_t ms = interval() / 1'000'000;
    return ms == 0 ? 1 : static_cast<int>(ms);
}

void wait_for_time_or_pressure() noexcept {
    pollfd source{pressure_source(), POLLIN, 0};
    const int ready = ::poll(&source, source.fd < 0 ? 0 : 1, poll_timeout());
    if (ready > 0 && acknowledge_pressure()) keeper::relieve();
}

// Sleeps while nothing is idle. seq_cst: either we see the reservation of a put, or it sees us asleep (note_idle).
void sleep_until_idle() noexcept {
    state.store(phase::asleep, memory_order_seq_cst);
    if (budget.reserved() != 0) return state.store(phase::awake, memory_order_seq_cst);
    state.wait(phase::asleep, memory_order_seq_cst);
}

void* keep(void*) noexcept {
    for (;;) {
        while (budget.reserved() != 0 && the_settings.keeper()) {
            wait_for_time_or_pressure();
            keeper::visit_if_due(os().now());
        }
        if (the_settings.keeper())
            sleep_until_idle();
        else // switched off: until somebody switches it on and puts something
            state.store(phase::asleep, memory_order_seq_cst), state.wait(phase::asleep, memory_order_seq_cst);
    }
    return nullptr;
}

bool create_thread() noexcept {
    constexpr std::size_t stack = 256 * 1024;
    pthread_attr_t attributes;
    if (::pthread_attr_init(&attributes) != 0) return false;
    ::pthread_attr_setstacksize(&attributes, stack);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread{};
    const bool created = ::pthread_create(&thread, &attributes, keep, nullptr) == 0;
    ::pthread_attr_destroy(&attributes);
    if (created) ::pthread_setname_np(thread, "synk-keeper");
    return created;
}

// A new thread has its maker's signal mask: all signals are the program's.
void start() noexcept {
    phase expected = phase::none;
    if (!state.compare_exchange_strong(expected, phase::starting, memory_order_seq_cst, memory_order_relaxed)) return;
    prepare_for_forks();
    sigset_t all, old;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old);
    const phase made = create_thread() ? phase::awake : phase::failed;
    // Unless the keeper has come so far already that it sleeps: who overwrites that, it never hears of.
    expected = phase::starting;
    state.compare_exchange_strong(expected, made, memory_order_seq_cst, memory_order_relaxed);
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void wake() noexcept {
    phase expected = phase::asleep;
    if (state.compare_exchange_strong(expected, phase::awake, memory_order_seq_cst, memory_order_relaxed))
        state.notify_one();
}

// Without the keeper every so many slow puts look at the clock.
void visit_from_slow_path() noexcept {
    static constinit atomic<unsigned> calls{0};
    if (calls.fetch_add(1, memory_order_relaxed) % 64 == 0) keeper::visit_if_due(os().now()); // relaxed: a count
}

} // namespace

void keeper::note_idle() noexcept {
    const phase now = state.load(memory_order_seq_cst); // pairs with sleep_until_idle
    if (now == phase::awake && the_settings.keeper()) return;
    if (!the_settings.keeper() || now == phase::failed) return visit_from_slow_path();
    if (now == phase::asleep) return wake();
    if (now == phase::none && budget.reserved() >= worth_a_thread) start();
}

std::size_t keeper::visit_if_due(std::uint64_t now) noexcept {
    // relaxed: a clock; `visiting` decides.
    if (now - last_visit.load(memory_order_relaxed) < interval()) return 0;
    if (visiting.exchange(true, memory_order_acquire)) return 0; // pairs with the release below
    prepare_for_forks();
    last_visit.store(now, memory_order_relaxed);
    const std::size_t went = visit(now);
    visiting.store(false, memory_order_release);
    return went;
}

std::size_t keeper::relieve() noexcept { return trim_idle(0); }

} // namespace synk::inline v1::detail
