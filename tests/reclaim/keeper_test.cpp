// The library's own thread, as the process and its user see it.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include "budget/idle_budget.hpp"
#include "pages/system.hpp"
#include "support/child.hpp"
#include "support/effort.hpp"
#include "support/process_memory.hpp"
#include "support/system_that_refuses.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

synk::options quick(milliseconds weak_after = milliseconds(100), milliseconds gone_after = milliseconds(500)) {
    synk::options o;
    o.weak_after = weak_after;
    o.gone_after = gone_after;
    return o;
}

void put_some(std::size_t bytes) {
    std::vector<synk::bytes> blocks;
    for (std::size_t sum = 0; sum < bytes; sum += 256 * kib)
        blocks.push_back(synk::get_sized_pool().get_sized(256 * kib));
}

// In a process of its own, so that no other test has started a keeper before.
template <class Body>
void expect_in_a_new_process(Body body) {
    EXPECT_TRUE(ends_well(in_child(body)));
}

bool nothing_idle() { return synk::stats().idle == 0; }
bool is_there() { return find_keeper().has_value(); }
std::string of_keeper(const char* key) { return status_line(*find_keeper() / "status", key); }
long wake_ups() { return std::atol(of_keeper("voluntary_ctxt_switches").c_str()); }

TEST(keeper, is_not_started_by_small_use) {
    expect_in_a_new_process([] {
        synk::configure(quick());
        for (int i = 0; i < 1000; ++i) put_some(512 * kib);
        std::this_thread::sleep_for(milliseconds(300));
        require(!is_there(), "no thread for half a megabyte");
        put_some(2 * mib);
        require(comes_true(is_there), "a thread for two megabytes");
    });
}

TEST(keeper, gives_back_with_no_call_into_the_library) {
    expect_in_a_new_process([] {
        synk::configure(quick());
        put_some(16 * mib);
        require(comes_true(nothing_idle), "idle memory goes");
        require(comes_true([] { return synk::detail::budget.reserved() == 0; }), "and its reservations");
    });
}

// Leaks are looked for by stats().lent: what a visit has in its hands must not look like one.
TEST(keeper, is_never_seen_with_blocks_in_its_hands) {
    expect_in_a_new_process([] {
        synk::configure(quick(milliseconds(4), milliseconds(8)));
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
        while (std::chrono::steady_clock::now() < end) {
            put_some(8 * mib);
            for (int look = 0; look < 200; ++look) require(synk::stats().lent == 0, "all is put");
        }
    });
}

// Who empties or ages another thread's cache stands there until it may go on.
std::atomic<bool> in_barrier{false}, may_go_on{false};
bool standing_barrier() noexcept {
    in_barrier = true;
    while (!may_go_on) std::this_thread::yield();
    return synk::detail::linux_calls.barrier();
}
void let_stand_in_barriers() {
    static synk::detail::system_calls standing = synk::detail::linux_calls;
    standing.barrier = standing_barrier;
    synk::detail::the_system.store(&standing);
}

TEST(keeper, that_stands_in_a_visit_keeps_stats_for_a_moment_only) {
    expect_in_a_new_process([] {
        synk::options o = quick(milliseconds(4));
        o.keeper = false;
        synk::configure(o);
        put_some(8 * mib);
        std::this_thread::sleep_for(milliseconds(5)); // a visit is due
        let_stand_in_barriers();
        std::thread visitor([] { synk::maintain(); });
        while (!in_barrier) std::this_thread::yield();
        require(synk::stats().mapped >= 8 * mib, "there is an answer");
        may_go_on = true;
        visitor.join();
        require(synk::stats().lent == 0, "all is put");
    });
}

TEST(keeper, takes_no_signals) {
    expect_in_a_new_process([] {
        put_some(2 * mib);
        require(comes_true(is_there), "there is a keeper");
        const std::uint64_t blocked = std::strtoull(of_keeper("SigBlk").c_str(), nullptr, 16);
        for (int s = 1; s <= SIGRTMAX; ++s) {
            const bool systems_own = s == SIGKILL || s == SIGSTOP || (s > SIGSYS && s < SIGRTMIN);
            require(systems_own || (blocked >> (s - 1) & 1U) != 0, "it blocks every signal");
        }
        sigset_t own;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
        require(::sigismember(&own, SIGUSR1) == 0, "its maker has its own mask again");
    });
}

TEST(keeper, sleeps_while_nothing_is_idle) {
    expect_in_a_new_process([] {
        synk::configure(quick());
        put_some(16 * mib);
        require(comes_true(nothing_idle), "idle memory goes");
        std::this_thread::sleep_for(milliseconds(200));
        const long before = wake_ups();
        std::this_thread::sleep_for(milliseconds(1500));
        require(wake_ups() == before, "no wake-up when there is nothing to do");
        put_some(16 * mib);
        require(comes_true(nothing_idle), "a put wakes it");
        require(wake_ups() > before, "it was woken");
    });
}

TEST(keeper, seldom_comes_by_while_nothing_can_be_given_back) {
    expect_in_a_new_process([] {
        const system_that_refuses system({.advise = true});
        synk::configure(quick());
        put_some(2 * mib);
        std::this_thread::sleep_for(milliseconds(3000));
        require(synk::stats().idle != 0, "it is still there");
        const long before = wake_ups();
        std::this_thread::sleep_for(milliseconds(1000));
        require(wake_ups() - before <= 2, "there is nothing to do, so it does not come by ten times a second");
    });
}

TEST(keeper, is_not_woken_by_gets_that_leave_nothing_over) {
    expect_in_a_new_process([] {
        synk::configure(quick());
        put_some(16 * mib);
        require(comes_true(nothing_idle), "idle memory goes");
        std::this_thread::sleep_for(milliseconds(300));
        const long before = wake_ups();
        std::vector<synk::bytes> held;
        while (held.size() != 20) {
            held.push_back(synk::get_sized_pool().get_sized(5 * mib));
            std::this_thread::sleep_for(milliseconds(10)); // it may be asleep again
        }
        require(wake_ups() == before, "there is nothing to do");
    });
}

// The rest of the huge pages that the blocks lie in.
TEST(keeper, gives_back_what_gets_leave_over) {
    for (const bool was_asleep : {false, true})
        expect_in_a_new_process([was_asleep] {
            synk::options o = quick();
            o.huge = synk::huge_pages::on;
            synk::configure(o);
            if (was_asleep) {
                put_some(2 * mib);
                require(comes_true(nothing_idle), "idle memory goes");
                std::this_thread::sleep_for(milliseconds(300));
            }
            std::vector<synk::bytes> held;
            while (held.size() != 10) held.push_back(synk::get_sized_pool().get_sized(2560 * kib));
            require(synk::stats().idle != 0, "something is left over");
            require(comes_true(nothing_idle), "and goes");
        });
}

TEST(keeper, is_stopped_and_started_by_its_option) {
    expect_in_a_new_process([] {
        synk::options o = quick();
        o.keeper = false;
        synk::configure(o);
        put_some(16 * mib);
        std::this_thread::sleep_for(milliseconds(1000));
        require(!is_there(), "none when it is switched off");
        require(synk::stats().idle == 16 * mib, "and nobody else gives back without a call");
        o.keeper = true;
        synk::configure(o);
        require(comes_true(nothing_idle), "switched on it works, with no put to tell it");
        o.keeper = false;
        synk::configure(o);
        put_some(16 * mib);
        std::this_thread::sleep_for(milliseconds(1000));
        require(synk::stats().idle == 16 * mib, "switched off again");
        o.keeper = true;
        synk::configure(o);
        require(comes_true(nothing_idle), "and on again");
    });
}

TEST(keeper, notices_shorter_times) {
    expect_in_a_new_process([] {
        synk::options o;
        o.weak_after = o.gone_after = std::chrono::hours(24);
        synk::configure(o);
        put_some(16 * mib);
        std::this_thread::sleep_for(milliseconds(200));
        synk::configure(quick());
        require(comes_true(nothing_idle), "the options in force count, not those when it fell asleep");
    });
}

// Other threads are at work in it, and the keeper in the middle of a visit, when the process ends.
TEST(keeper, does_not_disturb_the_end_of_the_process) {
    for (std::size_t i = 0; i < effort(40); ++i) {
        const ending e = in_child([i] {
            synk::options o;
            o.weak_after = o.gone_after = milliseconds(4);
            synk::configure(o);
            put_some(32 * mib);
            std::this_thread::sleep_for(std::chrono::microseconds(i * 100));
            std::exit(0);
        });
        ASSERT_TRUE(e.good()) << e;
    }
}

// What a forked child finds. Its parent has a keeper and 64 MiB idle.
class forked_child : public testing::Test {
protected:
    template <class Body>
    static void expect_well(synk::options o, Body child) {
        expect_in_a_new_process([&] {
            synk::configure(o);
            put_some(64 * mib);
            require(comes_true(is_there), "the parent has a keeper");
            const ending e = in_child(child);
            require(e.good(), e.words.c_str());
            put_some(16 * mib);
            require(comes_true(nothing_idle, milliseconds(20'000)), "the parent's keeper is still at work");
        });
    }
    static synk::options slow() {
        synk::options o = quick();
        o.gone_after = o.weak_after = milliseconds(1500);
        return o;
    }
};

TEST_F(forked_child, has_no_keeper_but_starts_its_own) {
    expect_well(slow(), [] {
        require(!is_there(), "the parent's keeper is not here");
        put_some(32 * mib);
        require(comes_true(is_there), "a keeper of its own");
        require(comes_true(nothing_idle), "which gives back what was inherited, too");
    });
}

TEST_F(forked_child, that_only_hits_its_cache_gets_a_keeper_too) {
    expect_well(slow(), [] {
        require(comes_true([] {
                    put_some(256 * kib);
                    return synk::stats().idle < 1 * mib;
                }),
                "what was inherited goes");
    });
}

TEST_F(forked_child, can_fork_again) {
    expect_well(slow(), [] {
        put_some(8 * mib);
        const ending e = in_child([] {
            put_some(8 * mib);
            require(comes_true(nothing_idle), "the grandchild's keeper works");
        });
        require(e.good(), e.words.c_str());
        require(comes_true(nothing_idle), "the child's keeper works");
    });
}

// AddressSanitizer's allocator has locks that a thread takes while it is made, and that no fork knows of.
TEST_F(forked_child, finds_no_lock_in_the_hands_of_a_keeper_that_is_being_made) {
    for (std::size_t i = 0; i < effort(60); ++i)
        expect_in_a_new_process([] {
            put_some(2 * mib);
            const ending e = in_child([] {
                ::alarm(30);
                std::thread([] { std::free(std::malloc(100'000)); }).join();
            });
            require(e.good(), "the child's threads can be made");
        });
}

TEST_F(forked_child, finds_nothing_idle_with_trim_on_fork) {
    for (const bool keeper : {true, false})
        for (const std::size_t bytes : {512 * kib, 64 * mib})
            expect_in_a_new_process([keeper, bytes] {
                synk::options o;
                o.trim_on_fork = true;
                o.keeper = keeper;
                o.gone_after = o.weak_after = std::chrono::hours(1);
                synk::configure(o);
                put_some(bytes);
                require(synk::stats().idle >= bytes, "it lies idle");
                const ending e = in_child([] {
                    require(nothing_idle(), "nothing idle in the child");
                    put_some(4 * mib);
                });
                require(e.good(), e.words.c_str());
                require(nothing_idle(), "nor in the parent");
            });
}

// A thread that stands in the middle of emptying our cache when we fork.
TEST_F(forked_child, has_a_cache_though_another_thread_was_at_it) {
    expect_in_a_new_process([] {
        synk::options o;
        o.keeper = false;
        o.weak_after = o.gone_after = std::chrono::hours(1);
        synk::configure(o);
        put_some(8 * mib);
        let_stand_in_barriers();
        std::thread other([] { synk::trim(); });
        while (!in_barrier) std::this_thread::yield();
        const ending e = in_child([] {
            synk::detail::the_system.store(&synk::detail::linux_calls);
            put_some(4 * mib);
            require(synk::stats().idle_cached == 4 * mib, "its puts find a cache");
            require(synk::detail::budget.reserved() == synk::stats().idle, "what the other held is not idle");
            synk::trim();
            require(synk::detail::budget.reserved() == 0, "the accounts balance");
        });
        require(e.good(), e.words.c_str());
        may_go_on = true;
        other.join();
    });
}

// Forks at any moment of the keeper's visits: what it is at in the parent must not be missing in the child.
TEST_F(forked_child, has_a_cache_whatever_the_keeper_did_at_the_fork) {
    expect_in_a_new_process([] {
        synk::configure(quick(milliseconds(4), milliseconds(1000)));
        for (std::size_t i = 0; i < effort(150); ++i) {
            put_some(8 * mib);
            const ending e = in_child([] {
                synk::options quiet;
                quiet.keeper = false;
                quiet.weak_after = quiet.gone_after = std::chrono::hours(1);
                synk::configure(quiet);
                put_some(8 * mib);
                require(synk::stats().idle_cached != 0, "its puts find a cache");
                require(synk::stats().lent == 0, "no page is lost with a visitor that is not there");
            });
            require(e.good(), e.words.c_str());
        }
    });
}

} // namespace
