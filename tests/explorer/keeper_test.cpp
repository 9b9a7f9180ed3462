// The keeper's sleep under every interleaving: it never sleeps over memory that has become idle.
//
// The keeper's own source is compiled here, so that the worlds can play its thread. What it creates threads with is
// the test's.
#include <pthread.h>

namespace {
int create_keeper(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) noexcept;
int name_keeper(pthread_t thread, const char* name) noexcept;
} // namespace

#define pthread_create create_keeper
#define pthread_setname_np name_keeper
#include "reclaim/keeper.cpp"
#undef pthread_create
#undef pthread_setname_np

#include <gtest/gtest.h>

#include "explorer/mutants.hpp"

namespace {

using namespace synk::detail;
using synk_explorer::bounds;
using synk_explorer::equivalent;
using synk_explorer::program;
using synk_explorer::program_of;
using synk_explorer::require;

synk::detail::atomic<bool> created{false};
bool refuses_threads = false;

int create_keeper(pthread_t* /*thread*/, const pthread_attr_t* /*attributes*/, void* (*/*run*/)(void*),
                  void* /*argument*/) noexcept {
    if (refuses_threads) return 1;
    created.store(true, memory_order_release);
    created.notify_one();
    return 0;
}

int name_keeper(pthread_t /*thread*/, const char* /*name*/) noexcept { return 0; }

// Thread 0 is the keeper: it looks, sees nothing that it could do, and sleeps until it is woken, over and over. The
// others put: they reserve, and say so.
struct keeper_world {
    static constexpr unsigned threads = 3;
    idle_picture idle;

    explicit keeper_world(phase first) {
        prepared.store(true, memory_order_relaxed); // no handlers of fork for each schedule
        state.store(first, memory_order_relaxed);
        created.store(first == phase::awake, memory_order_relaxed);
        refuses_threads = false;
    }
    void keep() {
        created.wait(false, memory_order_acquire);
        for (std::uint64_t now = 1;; ++now) {
            static_cast<void>(idle.look(now));
            idle.sleep();
        }
    }
    static void put() {
        require(budget.take(worth_a_thread), "there is room");
        keeper::note_idle();
    }
    // Asleep, with all that is reserved before its eyes: looking much later, it finds nothing new, and nothing to do.
    void finish(unsigned waiting) {
        require(waiting == 1, "a thread that puts waits");
        require(state.load() == phase::asleep, "the keeper sleeps, and nobody will wake it");
        require(!idle.look(2 * the_settings.gone_after_ns() + 1000), "the keeper sleeps over what became idle");
    }
};

struct sleeping : keeper_world {
    sleeping() : keeper_world(phase::awake) {}
    void thread(unsigned i) {
        if (i == 0) keep();
        if (i == 1) put();
        if (i == 2) put();
    }
};

struct sleeping_twice : keeper_world {
    sleeping_twice() : keeper_world(phase::awake) {}
    void thread(unsigned i) {
        if (i == 0) return keep();
        put();
        put();
    }
};

// The first that have a megabyte start it; it may sleep before its maker is back.
struct starting : keeper_world {
    starting() : keeper_world(phase::none) {}
    void thread(unsigned i) { i == 0 ? keep() : put(); }
};

// No thread is to be had: nobody waits for one.
struct no_thread : keeper_world {
    static constexpr unsigned threads = 2;
    no_thread() : keeper_world(phase::none) { refuses_threads = true; }
    static void thread(unsigned /*i*/) { put(); }
    static void finish() {
        require(state.load() == phase::failed, "the keeper is missed by nobody");
        require(!visiting.load(), "a visit has not ended");
    }
};

const std::vector<program> worlds{program_of<sleeping>("keeper"), program_of<sleeping_twice>("keeper_twice"),
                                  program_of<starting>("keeper_start"), program_of<no_thread>("keeper_no_thread")};

TEST(Keeper, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, bounds{2, 1}), "");
}

TEST(Keeper, MutantsAreFound) {
    const std::vector<equivalent> listed{};
    EXPECT_EQ(survivors(worlds, "reclaim/keeper.cpp", listed), "");
    EXPECT_EQ(survivors(worlds, "budget/idle_budget.hpp", listed), "");
}

} // namespace
