#include "reclaim/keeper.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>

#include <poll.h>
#include <pthread.h>

#include "base/no_cancellation.hpp"
#include "base/settings.hpp"
#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "hardened/quarantine.hpp"
#include "pages/system.hpp"
#include "reclaim/give_back.hpp"
#include "reclaim/pressure.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

constexpr std::size_t worth_a_thread = std::size_t{1} << 20; // bytes

// none -> starting -> awake <-> asleep; failed: no thread was to be had, the slow paths do the work, and go back to
// none when a visit is due. The thread itself says that it is awake: until then it is still being made.
enum class keeper_phase : int { none, starting, awake, asleep, failed };
constinit atomic<keeper_phase> state{keeper_phase::none};
constinit atomic<bool> clock_runs{false};
constinit atomic<bool> visiting{false};        // one visitor at a time; others go on
constinit atomic<std::uint64_t> last_visit{0}; // ns

// What this thread has to do with `visiting`: its own visit, or its fork, which keeps visits away.
enum class visitor : unsigned char { none, visits, forks };
constinit thread_local visitor self [[gnu::tls_model("initial-exec")]] = visitor::none;

// Visits, and what the keeper does under pressure. Who looks at the pool between them reads `ended`, looks, and reads
// `begun` by a read-modify-write. A visit that begins after that one in the order of all changes of `begun` has
// acquired it, so the look saw nothing that it changed. One that begins before is counted in it: were it not among
// those that had ended at the first read, which has acquired all that they changed, then the numbers would differ.
constinit atomic<std::uint64_t> begun{0};
constinit atomic<std::uint64_t> ended{0};

class at_work {
public:
    at_work() noexcept { begun.fetch_add(1, memory_order_acquire); }
    ~at_work() { ended.fetch_add(1, memory_order_release); }
    at_work(const at_work&) = delete;
    at_work& operator=(const at_work&) = delete;
};

std::uint64_t interval() noexcept { return the_settings.weak_after_ns() / 4; }

void sleep_a_moment() noexcept {
    const no_cancellation here;
    constexpr timespec moment{0, 100'000};
    ::nanosleep(&moment, nullptr);
}

// What a fork waits for takes moments, but its thread may have lost its processor, or be stopped: so we wait long, but
// not for ever.
template <class Condition>
void wait_until(Condition holds) noexcept {
    for (int attempt = 0; attempt < 50'000 && !holds(); ++attempt) sleep_a_moment(); // 5 s
}

// A child would miss what a visit has in its hands at the fork, and what it made weak just then would be shared. Not
// where the visit is below us, and a signal handler forks.
void stop_visits() noexcept {
    if (self != visitor::none) return;
    wait_until([] {
        if (visiting.exchange(true, memory_order_acquire)) return false; // pairs with the release of the last visitor
        self = visitor::forks;
        return true;
    });
}

// A thread that is being made may hold locks which the child would find taken for ever: AddressSanitizer's allocator
// has such, and does not know of forks.
void await_start() noexcept {
    wait_until([] { return state.load(memory_order_acquire) != keeper_phase::starting; }); // pairs with say_started()
}

void resume_visits() noexcept {
    if (self != visitor::forks) return;
    visiting.store(false, memory_order_release); // pairs with the next visitor's acquire
    self = visitor::none;
}

// Under the weak step: what a fork shares, the system would keep.
void before_fork() noexcept {
    await_start();
    stop_visits();
    if (the_settings.trim_on_fork())
        trim_idle(0);
    else
        shared_store::drop_weak();
}

// The keeper is not there in the child, nor a visitor that another thread was; nor a thread that was just giving memory
// back, or had blocks on their way: reservations are counted anew, unless the fork came out of the middle of our own
// work, which has some in its hands. Who inherits much and only hits its cache would not come past note_idle().
void keeper_after_fork() noexcept {
    if (self != visitor::visits && !thread_caches::interrupted_by_fork()) {
        quarantine::recount();
        shared_store::recount(thread_caches::reserved_bytes(), quarantine::idle_bytes());
    }
    if (self == visitor::forks) self = visitor::none;
    if (self == visitor::none) { // a visit of our own ends by itself. relaxed, here and below: only this thread runs
        ended.store(begun.load(memory_order_relaxed), memory_order_relaxed);
        visiting.store(false, memory_order_relaxed);
    }
    state.store(keeper_phase::none, memory_order_relaxed);
    forget_pressure_sources();
    if (budget.reserved() >= worth_a_thread) thread_caches::ask_own();
}

// At load, not at the first put: it takes a lock of the C library's, and that put may be a signal handler's.
// keeper_after_fork() runs behind that of the caches, which are set up before.
[[gnu::constructor]] void follow_forks_at_load() noexcept {
    ::pthread_atfork(before_fork, resume_visits, keeper_after_fork);
}

// At the first slow get or put: nothing was idle before it, so the first visit is due an interval later.
void start_clock() noexcept {
    // relaxed, all: the exchange decides who does it; a clock
    if (clock_runs.load(memory_order_relaxed) || clock_runs.exchange(true, memory_order_relaxed)) return;
    last_visit.store(os().now(), memory_order_relaxed);
}

std::size_t visit(std::uint64_t now) noexcept {
    quarantine::age(now);
    thread_caches::age();
    thread_caches::give_back_emptied(64);
    const ageing how{now, the_settings.gone_after_ns() - the_settings.weak_after_ns(), !thread_caches::forked()};
    return shared_store::age(how);
}

// Shorter times are noticed when they are set.
constexpr int at_most_ms = 1000;

int until_next_visit_ms() noexcept {
    const std::uint64_t ms = interval() / 1'000'000;
    return ms == 0 ? 1 : ms > at_most_ms ? at_most_ms : static_cast<int>(ms);
}

void wait_for_pressure(int timeout_ms) noexcept {
    pollfd source{pressure_source(), POLLIN, 0};
    if (::poll(&source, source.fd < 0 ? 0 : 1, timeout_ms) <= 0) return;
    if (source.revents != POLLIN) return; // a hub has no errors: the program has closed ours
    acknowledge_pressure();
    const at_work mark;
    keeper::relieve();
}

// What lies where the next put of its kind would not come past note_idle().
bool nothing_at_hand() noexcept {
    return thread_caches::reserved_bytes() == 0 && shared_store::channel_bytes() == 0 &&
           counters.large_shelved.get() == 0 && quarantine::idle_bytes() == 0;
}

// What the keeper has before its eyes: how much is idle, and since when all of that has lain in chunks unchanged.
class idle_picture {
public:
    enum class seen { nothing, what_stays, what_ages };
    // What stays: memory whose advice is refused.
    [[nodiscard]] seen look(std::uint64_t now) noexcept {
        const std::size_t bytes = budget.reserved();
        if (bytes != bytes_ || !nothing_at_hand()) {
            bytes_ = bytes;
            since_ = now;
        }
        if (bytes == 0) return seen::nothing;
        return now - since_ < 2 * the_settings.gone_after_ns() ? seen::what_ages : seen::what_stays;
    }
    // seq_cst: either we see a reservation, or who made it sees us asleep (note_idle). A get and a put of the same
    // size that fall between the last look and this are missed, until the next slow one.
    void sleep() noexcept {
        state.store(keeper_phase::asleep, memory_order_seq_cst);
        const bool changed = the_settings.keeper() && budget.reserved() != bytes_;
        if (changed) return state.store(keeper_phase::awake, memory_order_seq_cst);
        state.wait(keeper_phase::asleep, memory_order_seq_cst);
        forget();
    }
    void forget() noexcept { bytes_ = 0; }

private:
    std::size_t bytes_ = 0;
    std::uint64_t since_ = 0; // ns
};

// What was held to make this thread is given back.
void say_started() noexcept {
    state.store(keeper_phase::awake, memory_order_release); // pairs with await_start()
}

void* keep(void*) noexcept {
    say_started();
    for (idle_picture idle;; idle.sleep()) {
        while (the_settings.keeper()) {
            const idle_picture::seen seen = idle.look(os().now());
            if (seen == idle_picture::seen::nothing) break;
            wait_for_pressure(seen == idle_picture::seen::what_ages ? until_next_visit_ms() : at_most_ms);
            keeper::visit_if_due(os().now());
        }
        if (!the_settings.keeper()) idle.forget();
    }
    return nullptr;
}

constexpr std::size_t usual_stack = 0; // as large as other threads have

// Returns what pthread_create() does.
int create_with_stack(std::size_t bytes) noexcept {
    pthread_attr_t attributes;
    if (const int error = ::pthread_attr_init(&attributes); error != 0) return error;
    if (bytes != usual_stack) ::pthread_attr_setstacksize(&attributes, bytes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread{};
    const int error = ::pthread_create(&thread, &attributes, keep, nullptr);
    ::pthread_attr_destroy(&attributes);
    if (error == 0) ::pthread_setname_np(thread, "synk-keeper");
    return error;
}

// The program's thread-local data lie in the stack too, and may not fit in a small one.
bool create_thread() noexcept {
    const int error = create_with_stack(std::size_t{256} * 1024);
    return error == 0 || (error == EINVAL && create_with_stack(usual_stack) == 0);
}

// A new thread has its maker's signal mask: all signals are the program's. Nor does a handler fork while we start it.
void start() noexcept {
    start_clock();
    sigset_t all, old;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old);
    keeper_phase expected = keeper_phase::none;
    if (state.compare_exchange_strong(expected, keeper_phase::starting, memory_order_seq_cst, memory_order_relaxed) &&
        !create_thread())
        state.store(keeper_phase::failed, memory_order_relaxed); // relaxed: nothing stands behind it
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void wake() noexcept {
    keeper_phase expected = keeper_phase::asleep;
    if (state.compare_exchange_strong(expected, keeper_phase::awake, memory_order_seq_cst, memory_order_relaxed))
        state.notify_one();
}

// Signed: `now` may have been read before another's visit.
bool is_due(std::uint64_t now) noexcept {
    const std::uint64_t passed = now - last_visit.load(memory_order_relaxed); // relaxed: a clock
    return static_cast<std::int64_t>(passed) >= static_cast<std::int64_t>(interval());
}

// That there was no thread may have been true for a moment only: the next slow get or put tries again.
void forget_failure() noexcept {
    keeper_phase expected = keeper_phase::failed; // relaxed: nothing stands behind it
    state.compare_exchange_strong(expected, keeper_phase::none, memory_order_relaxed, memory_order_relaxed);
}

// Without the keeper every so many slow gets and puts look at the clock.
void visit_from_slow_path() noexcept {
    static constinit atomic<unsigned> calls{0};
    if (calls.fetch_add(1, memory_order_relaxed) % 64 != 0) return; // relaxed: a count
    const std::uint64_t now = os().now();
    if (is_due(now)) forget_failure();
    keeper::visit_if_due(now);
}

} // namespace

void keeper::note_idle() noexcept {
    const keeper_phase now = state.load(memory_order_seq_cst); // pairs with idle_picture::sleep
    if (now == keeper_phase::none) start_clock();
    if (now == keeper_phase::awake && the_settings.keeper()) return;
    if (!the_settings.keeper() || now == keeper_phase::failed) return visit_from_slow_path();
    if (now == keeper_phase::asleep && budget.reserved() != 0) wake();
    if (now == keeper_phase::none && budget.reserved() >= worth_a_thread) start();
}

std::size_t keeper::visit_if_due(std::uint64_t now) noexcept {
    if (!is_due(now) || visiting.exchange(true, memory_order_acquire)) return 0; // pairs with the release below
    self = visitor::visits;
    std::size_t went = 0;
    if (is_due(now)) { // still: another visit may have ended just now
        start_clock();
        last_visit.store(now, memory_order_relaxed); // relaxed: a clock
        const at_work mark;
        went = visit(now);
    }
    self = visitor::none;
    visiting.store(false, memory_order_release);
    return went;
}

std::size_t keeper::relieve() noexcept { return trim_idle(0); }

std::uint64_t keeper::visits_ended() noexcept { return ended.load(memory_order_acquire); }
std::uint64_t keeper::visits_begun() noexcept { return begun.fetch_add(0, memory_order_release); }
void keeper::wait_a_moment() noexcept { sleep_a_moment(); }

} // namespace synk::inline v1::detail
