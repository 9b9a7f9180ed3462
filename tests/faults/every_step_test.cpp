// A thread that is stopped before any one of its atomic operations, wherever in the pool that is, stops nobody and
// harms nobody: the others complete a fixed piece of work, with all promises but for that thread's own blocks. So do
// they when it never goes on, and the child of a fork that finds it there.
//
// ctest: TIMEOUT 900
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel/channels.hpp"
#include "faults/stepped_atomic.hpp"
#include "never_waits/hammer.hpp"
#include "stats/counters.hpp"
#include "support/child.hpp"
#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/process_memory.hpp"
#include "support/threads.hpp"

// In place of the C library's. A fork pauses, some 50,000 times, for a visit that here does not end: those pauses take
// no time. Others do.
extern "C" int nanosleep(const timespec* time, timespec* rest) {
    constexpr long moment = 100'000;
    if (time->tv_sec == 0 && time->tv_nsec <= moment) return 0;
    errno = ::clock_nanosleep(CLOCK_MONOTONIC, 0, time, rest);
    return errno == 0 ? 0 : -1;
}

namespace {

using namespace synk_test;
using never_waits::hammer;

constexpr std::size_t idle_limit = 32 * mib;

enum class mode { normal, quarantined, guarded };

// What a thread does while it is stopped somewhere: each way through the pool that differs from the others.
struct way {
    const char* name;
    void (*prepare)(); // in the same thread, not stopped
    void (*go)();
    bool to_the_end = false; // of the thread
    mode blocks = mode::normal;
    std::size_t forks = 20; // of a signal handler that interrupts it, in a short run

    friend std::ostream& operator<<(std::ostream& out, const way& w) { return out << w.name; }
};

void use(std::size_t n) { synk::get_sized_pool().get_sized(n).reset(); }
void use_many(std::size_t count, std::size_t n) {
    synk::bytes held[120];
    for (std::size_t i = 0; i < count; ++i) held[i] = synk::get_sized_pool().get_sized(n);
}
void nothing() {}
void use_one_page() { use(page); }
void leave_some_idle() {
    use_many(40, 64 * kib);
    use_many(2, 4 * mib);
    use_many(2, 6 * mib);
}
void leave_some_idle_in_channels() { std::thread(leave_some_idle).join(); } // and on the shelf
void give_all_back() {
    synk::trim();
    inside::shared_store::unmap_free();
}
void begin_on_huge_pages() {
    synk::options o = synk::current_options();
    o.huge = synk::huge_pages::on;
    synk::configure(o);
    give_all_back();
    use(page);
}
void grow() {
    synk::bytes b = synk::get_sized_pool().get_sized(100 * kib);
    b.resize(3 * mib);
    b.resize(5 * mib);
    b.resize(11 * mib);
}
void carry_a_bare_pointer() {
    void* const p = synk::get_sized_pool().allocate(70'000);
    synk::get_sized_pool().deallocate(p, 70'000);
}
void* anothers = nullptr;
void let_another_lend() {
    use(70'000);
    std::thread([] { anothers = synk::get_sized_pool().allocate(70'000); }).join();
}
void put_anothers() { synk::get_sized_pool().deallocate(anothers, 70'000); }
void visit_often() {
    for (int i = 0; i < 12; ++i) {
        synk::maintain();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}
void look_and_configure() {
    static_cast<void>(synk::stats());
    synk::configure(synk::current_options());
}

constexpr way ways[] = {
    {"FirstUse", nothing, use_one_page},
    {"ThreadEnd", leave_some_idle, nothing, true},
    {"Hit", use_one_page, use_one_page},
    {"NewChunk", give_all_back, [] { use(20 * kib); }},
    {"Burst", [] { use(256 * kib); }, [] { use_many(120, 256 * kib); }},
    {"Split", [] { use(4 * mib); }, [] { use_many(4, 200 * kib); }},
    {"WholeAgain", [] { use_many(4, 200 * kib); }, [] { use(4 * mib); }, false, mode::normal, 150},
    {"Large", give_all_back, [] { use(6 * mib); }},
    {"LargeIdle", [] { use_many(4, 6 * mib); }, [] { use_many(4, 6 * mib); }},
    {"Growth", [] { use(6 * mib); }, grow},
    {"BarePointer", [] { use(70'000); }, carry_a_bare_pointer},
    {"AnothersBarePointer", let_another_lend, put_anothers},
    {"OverTheLimit", leave_some_idle, [] { use_many(12, 4 * mib); }},
    {"Trim", leave_some_idle, [] { synk::trim(); }},
    {"TrimOfShared", leave_some_idle_in_channels, [] { synk::trim(); }, false, mode::normal, 150},
    {"GiveAllBack", leave_some_idle, give_all_back},
    {"LeftCaches", leave_some_idle_in_channels, [] { inside::thread_caches::give_back_emptied(64); }},
    {"Visits", leave_some_idle, visit_often},
    {"LookAndConfigure", leave_some_idle, look_and_configure},
    {"PartOfAHugePage", begin_on_huge_pages, [] { use_many(3, 1792 * kib); }},
    {"Quarantine", use_one_page, use_one_page, false, mode::quarantined},
    {"GuardedBlock", use_one_page, use_one_page, false, mode::guarded},
};

// A thread that goes the way and stands before its n-th atomic operation of that. It goes it in an inner thread, so
// that the outer one can tell when that has ended.
class stopped_thread {
public:
    stopped_thread(const way& w, std::uint64_t n) {
        stopping_place::clear();
        thread_ = std::thread([this, w, n] {
            std::thread(go, w, n).join();
            ended_ = true;
        });
        while (!stopping_place::held() && !ended_) std::this_thread::yield();
    }
    stopped_thread(const stopped_thread&) = delete;
    stopped_thread& operator=(const stopped_thread&) = delete;
    ~stopped_thread() {
        if (thread_.joinable()) go_on();
    }

    // Whether there were so many operations.
    [[nodiscard]] bool stands() const { return !ended_; }
    void go_on() {
        stopping_place::let_go();
        thread_.join();
    }

private:
    static void go(way w, std::uint64_t n) {
        w.prepare();
        stopping_place::stand_before(n);
        w.go();
        if (!w.to_the_end) stopping_place::forget();
    }

    std::atomic<bool> ended_{false};
    std::thread thread_;
};

// Threads that were there before, and new ones, complete a piece of work each.
void complete_work(worker& old) {
    const auto work = [](std::uint64_t key) {
        hammer h(key);
        for (int i = 0; i < 3; ++i) h.step();
    };
    std::thread a(work, 1), b(work, 2);
    old.run([&work] { work(3); });
    a.join();
    b.join();
}

// Nobody else is there, and the channels are empty.
void require_channels_are_whole() {
    static std::byte something;
    std::byte* items[inside::channel::max_bound];
    std::fill(std::begin(items), std::end(items), &something);
    for (inside::channel& c : inside::channels) {
        require(c.put(0, items, inside::channel::max_bound) == c.bound(), "a channel takes as many as ever");
        require(c.get(0, items, inside::channel::max_bound) == c.bound(), "what was put into it comes out");
    }
}

// Where a test that hangs was.
volatile std::uint64_t before_operation = 0;

void say_where_it_hangs(int) {
    static_cast<void>(::dprintf(STDERR_FILENO, "somebody waits for a thread that stands before operation %llu\n",
                                static_cast<unsigned long long>(before_operation)));
    std::abort();
}

class EveryStep : public testing::TestWithParam<way> {
protected:
    void SetUp() override {
        synk::options o;
        o.idle_limit = idle_limit;
        o.weak_after = o.gone_after = std::chrono::milliseconds(4);
        o.keeper = false; // its work is done by those who can be stopped
        o.hardened = GetParam().blocks != mode::normal;
        o.guard_sample = GetParam().blocks == mode::guarded ? 1 : 0;
        o.quarantine = mib;
        synk::configure(o);
        std::signal(SIGALRM, say_where_it_hangs);
    }
    void TearDown() override {
        ::alarm(0);
        synk::configure({});
    }

    // Calls visit(a thread that stands before its n-th operation) for every n there is; in a short run for some that
    // are spread over all.
    template <class Visit>
    void at_every_step(std::size_t most, Visit visit) {
        const std::uint64_t stride = 1 + operations() / effort(most);
        std::uint64_t n = 1;
        for (; !HasFailure(); n += stride) {
            SCOPED_TRACE(testing::Message() << "before operation " << n);
            before_operation = n;
            ::alarm(watchdog_seconds / 2);
            stopped_thread stopped(GetParam(), n);
            if (!stopped.stands()) break;
            visit(stopped);
        }
        std::printf("%llu atomic operations, each %lluth stood before\n", static_cast<unsigned long long>(n - 1),
                    static_cast<unsigned long long>(stride));
    }

    // Into a quarantine an item is laid late in one place alone: there, everywhere.
    static std::size_t spread(std::size_t most) { return GetParam().blocks == mode::normal ? most : 200; }

    static void expect_bound() {
        // One block may be between two books, and in both: that of the thread that stands, of 6 MiB at most.
        EXPECT_LE(synk::stats().idle, idle_limit + 6 * mib);
    }
    static void expect_nothing_lost() {
        EXPECT_EQ(synk::stats().lent, 0U);
        expect_accounts_balance();
        if (GetParam().blocks != mode::normal) expect_silence_empties_the_quarantine();
        synk::trim();
        EXPECT_EQ(synk::stats().idle, 0U);
    }

private:
    // What was laid there late, where all others had looked already, as well. Memory of guarded blocks is not idle, but
    // what is mapped for them is.
    static void expect_silence_empties_the_quarantine() {
        EXPECT_TRUE(comes_true([] {
            synk::maintain();
            return synk::stats().idle == 0 && inside::counters.guarded_retired.get() == 0;
        })) << "something lies in the quarantine for ever";
    }

    // About as many as there are when nobody comes in between.
    static std::uint64_t operations() {
        std::uint64_t n = 1;
        while (stopped_thread(GetParam(), n).stands()) n *= 2;
        return n;
    }
};

TEST_P(EveryStep, StopsNobody) {
    worker old;
    at_every_step(spread(80), [&](stopped_thread& stopped) {
        complete_work(old);
        expect_bound();
        stopped.go_on();
        expect_nothing_lost();
    });
}

// The child has the caches, the chunks and the books as the thread left them that is not there any more.
TEST_P(EveryStep, LeavesTheChildOfAForkAPoolThatWorks) {
    at_every_step(GetParam().blocks == mode::guarded ? 40 : spread(40), [&](stopped_thread&) {
        EXPECT_TRUE(ends_well(in_child([] {
            require_every_tier_works(1);
            worker old;
            complete_work(old);
            require(synk::stats().idle <= idle_limit, "what lies idle in the child is bounded");
            synk::configure({.idle_limit = idle_limit, .keeper = false}); // no quarantine any more
            synk::trim();
            require(synk::stats().idle == 0, "all that is idle in the child goes back");
            require_channels_are_whole();
            require_every_tier_works(2);
        })));
    });
}

// ---- A signal handler that forks ----

// In the child: the handler's work, which holds blocks, some of them beyond its end.
bool in_child_of_handler = false;
std::vector<synk::bytes> held_by_handler;

void hold_blocks() {
    std::vector<synk::bytes> many;
    for (int i = 0; i < 90; ++i) many.push_back(synk::get_sized_pool().try_get_sized(200 * kib));
    for (const std::size_t n : {page, 64 * kib, 200 * kib, 4 * mib, 6 * mib})
        held_by_handler.push_back(synk::get_sized_pool().try_get_sized(n));
}

// The parent does not go on: what happens there is another test's.
void fork_in_handler() {
    const pid_t child = ::fork();
    in_child_of_handler = child == 0;
    if (child == 0) return hold_blocks();
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

// As many blocks as may be, and all that is still held: no byte is in two.
void require_disjoint() {
    std::vector<synk::bytes> all = std::move(held_by_handler);
    for (int i = 0; i < 100; ++i)
        for (const std::size_t n : {page, 200 * kib}) all.push_back(synk::get_sized_pool().get_sized(n));
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.data() < b.data(); });
    for (std::size_t i = 1; i < all.size(); ++i)
        require(all[i - 1].data() == nullptr || all[i - 1].data() + all[i - 1].capacity() <= all[i].data(),
                "no byte is in two lent blocks");
}

// In a process of its own, of one thread. Whether there were so many operations.
bool goes_on_after_a_fork(const way& w, std::uint64_t n) {
    const ending e = in_child([&] {
        w.prepare();
        stopping_place::interrupt_by(fork_in_handler);
        stopping_place::stand_before(n);
        w.go();
        stopping_place::forget();
        if (!in_child_of_handler) ::_exit(3);
        require_disjoint();
        const synk::statistics s = synk::stats();
        for (const std::size_t part :
             {s.lent, s.idle_cached, s.idle_channel, s.idle_chunk, s.idle_large, s.idle_quarantine, s.weak, s.gone})
            require(part <= s.mapped, "no count has run below zero");
    });
    EXPECT_TRUE(e.good() || (WIFEXITED(e.status) && WEXITSTATUS(e.status) == 3)) << e;
    return e.good();
}

TEST_P(EveryStep, GoesOnInTheChildOfAForkThatInterruptsIt) {
    if (GetParam().to_the_end) GTEST_SKIP() << "a thread's end is not in the thread that goes on";
    const auto goes_on = [](std::uint64_t n) { return goes_on_after_a_fork(GetParam(), n); };
    std::uint64_t steps = 1;
    while (goes_on(steps) && !HasFailure()) steps *= 2;
    const std::uint64_t stride = 1 + steps / effort(GetParam().forks);
    for (std::uint64_t n = 1; goes_on(n) && !HasFailure(); n += stride) {
    }
}

class EveryStepIntoQuarantine : public EveryStep {};

// As long as nobody looks there again, nor is there a visit.
TEST_P(EveryStepIntoQuarantine, LeavesNothingThereAfterItHasEnded) {
    at_every_step(spread(80), [&](stopped_thread& stopped) {
        synk::options now = synk::current_options();
        now.hardened = false;
        synk::configure(now);
        stopped.go_on();
        EXPECT_EQ(synk::stats().idle_quarantine, 0U);
        EXPECT_EQ(inside::counters.guarded_retired.get(), 0U);
        SetUp();
    });
}

INSTANTIATE_TEST_SUITE_P(Ways, EveryStepIntoQuarantine,
                         testing::ValuesIn(std::find_if(std::begin(ways), std::end(ways),
                                                        [](const way& w) { return w.blocks != mode::normal; }),
                                           std::end(ways)),
                         [](const auto& test) { return std::string(test.param.name); });
INSTANTIATE_TEST_SUITE_P(Ways, EveryStep, testing::ValuesIn(ways),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
