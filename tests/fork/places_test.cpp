// fork while another thread is at a known place inside the pool: in a system call, behind a cache's gate, in the middle
// of a growth. The child has a whole pool all the same.
#include <atomic>
#include <chrono>
#include <ostream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "chunks/chunk_index.hpp"
#include "pages/system.hpp"
#include "reclaim/keeper.hpp"
#include "support/blocks.hpp"
#include "support/gets.hpp"
#include "support/no_ageing.hpp"
#include "support/system_that_holds.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using synk::detail::linux_calls;
using synk_test::cache_hits;
using synk_test::ends_well;
using synk_test::in_child;
using synk_test::require;
using synk_test::require_every_tier_works;
using synk_test::system_that_holds;
using synk_test::worker;

using call = synk_test::system_that_holds::call;

void require_cache_serves() {
    const std::uint64_t before = cache_hits();
    for (int i = 0; i < 100; ++i) static_cast<void>(synk::get_sized_pool().get_sized(5000));
    require(cache_hits() >= before + 90, "a thread of a child is served by its own cache");
}

void require_pool_works_in_threads() {
    require_every_tier_works(1);
    require_cache_serves();
    for (int i = 0; i < 3; ++i) std::thread(require_cache_serves).join();
    synk_test::run_threads(2, [](unsigned i) { require_every_tier_works(10 + i); });
    synk::trim();
    require_every_tier_works(2);
}

struct place {
    const char* name;
    call where;
    void (*way_there)();
};
std::ostream& operator<<(std::ostream& out, const place& shown) { return out << shown.name; }

void grow_large() {
    auto b = synk::get_sized_pool().get_sized(5'000'000);
    b.reserve(40'000'000);
}
void get_new() { const auto b = synk::get_sized_pool().get_sized(50'000'000); }
void get_from_new_chunks() {
    synk::bytes held[20];
    for (auto& b : held) b = synk::get_sized_pool().get_sized(4'194'304);
}
void trim_chunks() { synk::trim(); }
void trim_large() {
    get_new();
    synk::trim();
}

constexpr place places[] = {
    {"MappingALargeBlock", call::map, get_new},        {"MappingAChunk", call::map, get_from_new_chunks},
    {"UnmappingALargeBlock", call::unmap, trim_large}, {"TakingACachesBlocks", call::barrier, trim_chunks},
    {"AdvisingPages", call::advise, trim_chunks},      {"GrowingALargeBlock", call::remap, grow_large}};

class ForkAt : public testing::TestWithParam<place> {};

// All in a child, so that each place finds the pool as it is at first. The main thread has a cache and idle memory.
TEST_P(ForkAt, LeavesBothWithAWorkingPool) {
    if (!synk_test::children_may_start_threads) GTEST_SKIP() << synk_test::no_threads_in_children;
    EXPECT_TRUE(ends_well(in_child([] {
        require_every_tier_works(3);
        worker other;
        other.run([] { require_every_tier_works(4); });
        synk_test::ending e;
        {
            const system_that_holds system(GetParam().where);
            std::thread held([] {
                system_that_holds::this_thread_may_be_held();
                GetParam().way_there();
            });
            system_that_holds::wait_until_held();
            e = in_child([] {
                synk::detail::the_system.store(&linux_calls);
                require_pool_works_in_threads();
                synk::trim();
                require(synk::detail::budget.reserved() == 0, "what the other thread had reserved is not idle");
            });
            system_that_holds::let_go();
            held.join();
        }
        require(e.good(), e.words.c_str());
        require_pool_works_in_threads();
        require(synk::stats().lent == 0, "nothing is lost in the parent");
    })));
}

INSTANTIATE_TEST_SUITE_P(Places, ForkAt, testing::ValuesIn(places),
                         [](const auto& test) { return std::string(test.param.name); });

pid_t forked_in_barrier = -1;
bool barrier_with_a_fork() noexcept {
    if (forked_in_barrier == -1) forked_in_barrier = ::fork();
    return linux_calls.barrier();
}

void let_fork_in_barriers() {
    static synk::detail::system_calls forking = linux_calls;
    forking.barrier = barrier_with_a_fork;
    synk::detail::the_system.store(&forking);
}

// A signal handler that forks where its thread is emptying the caches of others: both processes go on with that.
TEST(ForkAt, ASignalHandlerThatInterruptsATrim) {
    if (!synk_test::children_may_start_threads) GTEST_SKIP() << synk_test::no_threads_in_children;
    EXPECT_TRUE(ends_well(in_child([] {
        require_every_tier_works(3);
        worker others[3];
        for (worker& other : others) other.run([] { require_every_tier_works(4); });
        let_fork_in_barriers();
        synk::trim();
        synk::detail::the_system.store(&linux_calls);
        require(forked_in_barrier != -1, "the caches of others are emptied behind a barrier");
        require(synk::detail::thread_caches::reserved_bytes() == 0, "what caches have reserved went with their blocks");
        require_pool_works_in_threads();
        synk::trim();
        require(synk::stats().idle == 0, "all of it goes");
        if (forked_in_barrier == 0) { // whose other threads are not there to be joined
            require(synk::detail::budget.reserved() == 0, "nothing is reserved for nothing");
            ::_exit(0);
        }
        require(synk_test::status_of(forked_in_barrier) == 0, "the child's pool works");
    })));
}

pid_t forked_in_advice = -1;
bool advise_with_a_fork(void* at, std::size_t size, synk::detail::advice what) noexcept {
    if (forked_in_advice == -1) forked_in_advice = ::fork();
    return linux_calls.advise(at, size, what);
}

// The same where its thread, which has no cache yet, gives back the memory of one that nobody has: in the child, too, a
// thread has that or the next one.
TEST(ForkAt, ASignalHandlerThatInterruptsTheGivingBackOfACache) {
    if (!synk_test::children_may_start_threads) GTEST_SKIP() << synk_test::no_threads_in_children;
    EXPECT_TRUE(ends_well(in_child([] {
        std::thread([] { require_every_tier_works(1); }).join();
        std::thread([] {
            static synk::detail::system_calls forking = linux_calls;
            forking.advise = advise_with_a_fork;
            synk::detail::the_system.store(&forking);
            synk::detail::thread_caches::give_back_emptied(1);
            synk::detail::the_system.store(&linux_calls);
            require(forked_in_advice != -1, "memory of a cache goes back");
            const auto* const mine = synk::detail::thread_caches::own();
            const synk::detail::cache_record* others = nullptr;
            std::thread([&others] { others = synk::detail::thread_caches::own(); }).join();
            require(mine != nullptr && others != nullptr && mine != others, "each thread has a cache of its own");
            if (forked_in_advice == 0) ::_exit(0);
            require(synk_test::status_of(forked_in_advice) == 0, "the same in the child");
        }).join();
    })));
}

unsigned looks_between_visits() {
    unsigned looks = 0;
    synk::detail::keeper::look_between_visits([&looks] { ++looks; });
    return looks;
}

// The same in a visit, which ends in both: nobody who looks waits for it afterwards.
TEST(ForkAt, ASignalHandlerThatInterruptsAVisit) {
    if (!synk_test::children_may_start_threads) GTEST_SKIP() << synk_test::no_threads_in_children;
    EXPECT_TRUE(ends_well(in_child([] {
        synk::options o = synk::current_options();
        o.weak_after = std::chrono::milliseconds(4);
        o.keeper = false;
        synk::configure(o);
        require_every_tier_works(3);
        worker other;
        other.run([] { require_every_tier_works(4); });
        const auto* const mine = synk::detail::thread_caches::own();
        for (int i = 0; i < 100; ++i) static_cast<void>(synk::get_sized_pool().get_sized(5000));
        require(mine->reserved.load() != 0, "the visit ages this thread's cache, too");
        std::this_thread::sleep_for(std::chrono::milliseconds(5)); // a visit is due
        let_fork_in_barriers();
        synk::maintain();
        require(synk::detail::thread_caches::own() == mine, "nobody but the visit is behind our gate");
        synk::detail::the_system.store(&linux_calls);
        require(forked_in_barrier != -1, "the caches of others are aged behind a barrier");
        require(looks_between_visits() == 1, "no visit is under way");
        require(synk::stats().lent == 0, "nothing is lost");
        synk::trim();
        require(synk::detail::budget.reserved() == 0, "nothing is reserved for nothing, nor given back twice");
        if (forked_in_barrier == 0) ::_exit(0); // whose other thread is not there to be joined
        require(synk_test::status_of(forked_in_barrier) == 0, "the same in the child");
    })));
}

// Another thread has the forking thread's cache, as the keeper and trim() have it.
TEST(ForkAt, AThreadThatHasTheForkersCache) {
    EXPECT_TRUE(ends_well(in_child([] {
        require_every_tier_works(1);
        auto& gate = synk::detail::this_thread_start.cache->gate;
        require(bool(gate.close([] {})), "another thread may close the gate");
        const synk_test::ending e = in_child(require_pool_works_in_threads);
        gate.open();
        require(e.good(), e.words.c_str());
        require_pool_works_in_threads();
    })));
}

// Another thread has a cache that nobody uses at the moment: the next thread must not be given it.
TEST(ForkAt, AThreadThatHasACacheOfNobody) {
    EXPECT_TRUE(ends_well(in_child([] {
        synk::detail::cache_gate* gate = nullptr;
        std::thread([&gate] {
            require_every_tier_works(1);
            gate = &synk::detail::this_thread_start.cache->gate;
        }).join();
        require(bool(gate->close([] {})), "another thread may close the gate");
        const synk_test::ending e = in_child([] {
            for (int i = 0; i < 3; ++i) std::thread(require_cache_serves).join();
        });
        gate->open();
        require(e.good(), e.words.c_str());
    })));
}

// Another thread has lost its processor in the middle of a hit. The child's threads have its cache, all but that bin.
TEST(ForkAt, AThreadInTheMiddleOfAHit) {
    if (!synk_test::children_may_start_threads) GTEST_SKIP() << synk_test::no_threads_in_children;
    EXPECT_TRUE(ends_well(in_child([] {
        constexpr unsigned bin = synk::detail::bin_of(synk::detail::class_of(5000));
        std::atomic<bool> inside{false};
        std::atomic<bool> forked{false};
        std::thread other([&] {
            require_every_tier_works(1);
            auto& gate = synk::detail::this_thread_start.cache->gate;
            gate.set_slow_only(false); // which tools have set
            require(gate.enter(bin), "the gate is open");
            inside.store(true);
            inside.notify_one();
            forked.wait(false);
            gate.leave();
            synk::detail::thread_caches::follow_options();
            require_cache_serves();
        });
        inside.wait(false);
        const std::size_t before = synk::stats().idle;
        const synk_test::ending e = in_child([before] {
            const std::size_t lost = before - synk::stats().idle;
            require(lost >= 8192 && lost <= 64 * 8192, "the bin in the middle of a hit is lost, and nothing else");
            for (int i = 0; i < 3; ++i) std::thread(require_cache_serves).join();
            require_pool_works_in_threads();
            synk::trim();
            require(synk::stats().idle == 0, "what was not lost is given back");
        });
        forked.store(true);
        forked.notify_one();
        other.join();
        require(e.good(), e.words.c_str());
        require_pool_works_in_threads();
    })));
}

// A visit that has lost its processor for a while has pages in its hands that a child would miss.
TEST(ForkAt, AVisitThatTakesHalfASecond) {
    if (!synk_test::children_may_start_threads) GTEST_SKIP() << synk_test::no_threads_in_children;
    EXPECT_TRUE(ends_well(in_child([] {
        synk::options o = synk::current_options();
        o.weak_after = std::chrono::milliseconds(4);
        synk::configure(o);
        require_every_tier_works(1);
        synk_test::ending e;
        {
            const system_that_holds system(call::advise);
            std::thread visitor([] {
                system_that_holds::this_thread_may_be_held();
                while (!system_that_holds::was_let_go()) synk::maintain();
            });
            system_that_holds::wait_until_held();
            std::thread scheduler([] {
                std::this_thread::sleep_for(std::chrono::milliseconds(500));
                system_that_holds::let_go();
            });
            e = in_child([] {
                synk::trim();
                require(synk::stats().idle == 0 && synk::stats().lent == 0, "nothing is lost in the child");
            });
            visitor.join();
            scheduler.join();
        }
        require(e.good(), e.words.c_str());
        require(synk::stats().lent == 0, "nor in the parent");
    })));
}

// The forking thread itself is behind its gate: a signal handler that forks has interrupted it there.
TEST(ForkAt, ASignalHandlerInsideOfTheOwnCache) {
    EXPECT_TRUE(ends_well(in_child([] {
        require_every_tier_works(1);
        auto& gate = synk::detail::this_thread_start.cache->gate;
        require(gate.enter_slow(), "the gate is open");
        const synk_test::ending e = in_child([&gate] {
            require_every_tier_works(2);
            gate.leave(); // the handler has returned
            require_pool_works_in_threads();
        });
        gate.leave();
        require(e.good(), e.words.c_str());
    })));
}

// Lends chunks until the system has refused the memory for the records of the next ones: the number of one is handed
// out then, and nothing stands behind it.
void lend_until_records_are_refused(std::vector<synk::bytes>& held) {
    auto& chunks = *synk::detail::chunks;
    const auto get_chunk = [] { return synk::get_sized_pool().try_get_sized(4 << 20); };
    for (int i = 0; i < 1000; ++i) {
        {
            const synk_test::system_that_refuses system({.map = true});
            while (synk::bytes b = get_chunk()) held.push_back(std::move(b));
        }
        if (chunks.at(chunks.limit() - 1) == nullptr) return;
        held.push_back(get_chunk());
    }
    require(false, "records want memory of their own some time");
}

TEST(ForkAt, ARefusalOfRecords) {
    EXPECT_TRUE(ends_well(in_child([] {
        std::vector<synk::bytes> held;
        lend_until_records_are_refused(held);
        const synk_test::ending e = in_child([] { require_every_tier_works(1); });
        require(e.good(), e.words.c_str());
    })));
}

} // namespace
