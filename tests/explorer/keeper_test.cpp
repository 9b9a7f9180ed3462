// The keeper's sleep under every interleaving: it never sleeps over memory that has become idle.
//
// The keeper's own source is compiled here, so that the worlds can play its thread. What it creates threads with, and
// pauses with, is the test's.
#include <ctime>
#include <pthread.h>

namespace {
int create_keeper(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) noexcept;
int name_keeper(pthread_t thread, const char* name) noexcept;
int pause_a_moment(const timespec* time, timespec* rest) noexcept;
} // namespace

#define pthread_create create_keeper
#define pthread_setname_np name_keeper
#define nanosleep pause_a_moment
#include "reclaim/keeper.cpp"
#undef pthread_create
#undef pthread_setname_np
#undef nanosleep

#include <gtest/gtest.h>

#include "explorer/mutants.hpp"
#include "explorer/small_system.hpp"

namespace {

using namespace synk::detail;
using synk_explorer::bounds;
using synk_explorer::equivalent;
using synk_explorer::program;
using synk_explorer::program_of;
using synk_explorer::require;
using synk_explorer::small_system;

synk::detail::atomic<bool> created{false};
bool refuses_threads = false;

int create_keeper(pthread_t* /*thread*/, const pthread_attr_t* /*attributes*/, void* (* /*run*/)(void*),
                  void* /*argument*/) noexcept {
    if (refuses_threads) return 1;
    created.store(true, memory_order_release);
    created.notify_one();
    return 0;
}

int name_keeper(pthread_t /*thread*/, const char* /*name*/) noexcept { return 0; }

int pause_a_moment(const timespec* /*time*/, timespec* /*rest*/) noexcept {
    synk_explorer::the_machine.yield();
    return 0;
}

// Thread 0 is the keeper: it looks, sees nothing that it could do, and sleeps until it is woken, over and over. The
// others put: they reserve, and say so.
struct keeper_world {
    static constexpr unsigned threads = 3;
    idle_picture idle;

    explicit keeper_world(keeper_phase first) {
        clock_runs.store(true, memory_order_relaxed); // since before all schedules
        state.store(first, memory_order_relaxed);
        created.store(first == keeper_phase::awake, memory_order_relaxed);
        refuses_threads = false;
        small_system::on_advice = nullptr;
    }
    void keep() {
        created.wait(false, memory_order_acquire);
        say_started();
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
        require(state.load() == keeper_phase::asleep, "the keeper sleeps, and nobody will wake it");
        const idle_picture::seen later = idle.look(2 * the_settings.gone_after_ns() + 1000);
        require(later != idle_picture::seen::what_ages, "the keeper sleeps over what became idle");
    }
};

struct sleeping : keeper_world {
    sleeping() : keeper_world(keeper_phase::awake) {}
    void thread(unsigned i) {
        if (i == 0) keep();
        if (i == 1) put();
        if (i == 2) put();
    }
};

struct sleeping_twice : keeper_world {
    sleeping_twice() : keeper_world(keeper_phase::awake) {}
    void thread(unsigned i) {
        if (i == 0) return keep();
        put();
        put();
    }
};

// The first that have a megabyte start it; it may sleep before its maker is back.
struct starting : keeper_world {
    starting() : keeper_world(keeper_phase::none) {}
    void thread(unsigned i) { i == 0 ? keep() : put(); }
};

// A fork finds nothing in the hands of the thread that is being made.
struct forking_at_start : keeper_world {
    static constexpr unsigned threads = 2;
    synk_explorer::payloads<1> held;
    forking_at_start() : keeper_world(keeper_phase::none) {}
    void thread(unsigned i) {
        if (i == 0) {
            created.wait(false, memory_order_acquire);
            held.use(0);
            say_started();
        } else {
            put();
            await_start();
            held.use(0);
        }
    }
    static void finish() { require(state.load() == keeper_phase::awake, "the keeper does not say that it is there"); }
};

// No thread is to be had: nobody waits for one.
struct no_thread : keeper_world {
    static constexpr unsigned threads = 2;
    no_thread() : keeper_world(keeper_phase::none) { refuses_threads = true; }
    static void thread(unsigned /*i*/) { put(); }
    static void finish() {
        const keeper_phase phase = state.load();
        require(phase == keeper_phase::failed || phase == keeper_phase::none, "there seems to be a keeper");
        require(!visiting.load(), "a visit has not ended");
    }
};

// It may be had later: a put that comes when a visit is due lets the next one try again.
struct thread_later : keeper_world {
    static constexpr unsigned threads = 1;
    thread_later() : keeper_world(keeper_phase::none) { refuses_threads = true; }
    static void thread(unsigned /*i*/) {
        put();
        require(state.load() == keeper_phase::failed, "the failure is not noted");
        put();
    }
    static void finish() { require(state.load() == keeper_phase::none, "a failure is for ever"); }
};

// Memory that stays idle because the system refuses to take it, counted as soon as it is known.
struct forcing : keeper_world {
    forcing() : keeper_world(keeper_phase::awake) {}
    void thread(unsigned i) {
        if (i == 0) return keep();
        budget.force(i);
        keeper::note_idle();
    }
};

// One visit at a time: what a visitor has in its hands it has alone.
struct visitors : keeper_world {
    static inline synk_explorer::payloads<1> in_hand;
    visitors() : keeper_world(keeper_phase::awake) {
        small_system::on_advice = [] { in_hand.use(0); };
    }
    static void thread(unsigned i) { keeper::visit_if_due(an_hour * (i + 1)); }
    static void finish() { require(!visiting.load(), "a visit has not ended"); }
    static constexpr std::uint64_t an_hour = 3'600'000'000'000;
};

// And not another one at once.
struct visitor : visitors {
    static constexpr unsigned threads = 1;
    static void thread(unsigned /*i*/) {
        require(keeper::visit_if_due(an_hour) != 0, "what was calm for so long stays");
        const unsigned before = synk_explorer::the_machine.steps();
        require(keeper::visit_if_due(an_hour) == 0, "there was a visit just now");
        require(synk_explorer::the_machine.steps() - before < 5, "a visit that is not due");
    }
};

// Who looks between visits sees nothing in their hands, nor half of what they moved.
struct looking {
    static constexpr unsigned threads = 3;
    synk::detail::atomic<int> here{2}, there{0};
    looking() {
        begun.store(0, memory_order_relaxed);
        ended.store(0, memory_order_relaxed);
    }
    void thread(unsigned i) { i == 0 ? look() : move_one(); }
    void move_one() {
        const at_work mark;
        here.fetch_sub(1, memory_order_relaxed);
        there.fetch_add(1, memory_order_relaxed);
    }
    void look() {
        int seen = 0;
        keeper::look_between_visits([this, &seen] {
            seen = here.load(memory_order_relaxed);
            seen += there.load(memory_order_relaxed);
        });
        require(seen == 2, "what a visit has in its hands is missing");
    }
    void finish() { require(begun.load() == 2 && ended.load() == 2, "a visit is not counted"); }
};

// What limits the idle bytes: whoever was let in stays under the limit, and all is counted.
struct reserving {
    static constexpr unsigned threads = 4;
    idle_budget few;
    std::size_t taken[threads]{};
    reserving() { few.set_limit(5); }
    void thread(unsigned i) {
        if (i < 3) {
            if (few.take(2)) taken[i] = 2;
            if (i == 0 && taken[0] != 0) give_back();
        } else {
            few.force(1);
            taken[3] = 1;
        }
    }
    void give_back() {
        few.give(2);
        taken[0] = 0;
    }
    void finish() const {
        const std::size_t all = taken[0] + taken[1] + taken[2] + taken[3];
        require(few.reserved() == all, "a reservation is lost, or is nobody's");
        require(all <= few.limit(), "more is reserved than the limit");
        require(taken[1] + taken[2] != 0, "there was room");
    }
};

const std::vector<program> worlds{program_of<sleeping>("keeper"),
                                  program_of<sleeping_twice>("keeper_twice"),
                                  program_of<starting>("keeper_start"),
                                  program_of<no_thread>("keeper_no_thread"),
                                  program_of<thread_later>("keeper_thread_later"),
                                  program_of<forcing>("keeper_forcing"),
                                  program_of<visitors>("keeper_visitors"),
                                  program_of<visitor>("keeper_visitor"),
                                  program_of<looking>("keeper_looking"),
                                  program_of<reserving>("keeper_budget"),
                                  program_of<forking_at_start>("keeper_fork_at_start")};

TEST(Keeper, KeepsItsPromises) {
    static_cast<void>(synk_explorer::start());
    for (const program& p : worlds) EXPECT_EQ(broken(p, bounds{2, 1}), "");
}

TEST(Keeper, MutantsAreFound) {
    static_cast<void>(synk_explorer::start());
    constexpr auto value = "equivalent: the value alone decides; what is looked at afterwards is seq_cst itself";
    constexpr auto awake = "equivalent: who takes the waking keeper for asleep wakes it, for nothing";
    constexpr auto apart = "equivalent: keeps visits apart; all that a visit touches has edges of its own";
    constexpr auto visits = "equivalent: a count, by which one in so many looks at the clock";
    constexpr auto once = "not seen here: two that forget the same failure are 64 slow puts apart";
    constexpr auto later =
        "not seen here: lets a look see what a visit changes later (load buffering, docs/explorer.md)";
    const std::vector<equivalent> listed{
        {"at_work() noexcept { begun.fetch_add(1", "relaxed", later},
        {"return begun.fetch_add(0", "relaxed", later},
        {"return begun.fetch_add(0", "dropped", later},
        {"return state.store(keeper_phase::awake", "release", awake},
        {"return state.store(keeper_phase::awake", "relaxed", awake},
        {"return state.store(keeper_phase::awake", "dropped", awake},
        {"state.wait(keeper_phase::asleep", "acquire", value},
        {"state.wait(keeper_phase::asleep", "relaxed", value},
        {"if (state.compare_exchange_strong(expected, keeper_phase::starting", "acq_rel", value},
        {"if (state.compare_exchange_strong(expected, keeper_phase::starting", "relaxed", value},
        {"if (state.compare_exchange_strong(expected, keeper_phase::awake", "acq_rel", value},
        {"if (state.compare_exchange_strong(expected, keeper_phase::awake", "relaxed", value},
        {"if (state.compare_exchange_strong(expected, keeper_phase::awake", "blind", awake},
        {"if (state.compare_exchange_strong(expected, keeper_phase::awake", "split", awake},
        {"visiting.exchange(true, memory_order_acquire)) return 0", "relaxed", apart},
        {"visiting.store(false, memory_order_release);", "relaxed", apart},
        {"if (calls.fetch_add(1", "split", visits},
        {"if (calls.fetch_add(1", "dropped", visits},
        {"state.compare_exchange_strong(expected, keeper_phase::none", "blind", once},
        {"state.compare_exchange_strong(expected, keeper_phase::none", "split", once},
    };
    EXPECT_EQ(survivors(worlds, "reclaim/keeper.cpp", listed), "");
    EXPECT_EQ(survivors(worlds, "budget/idle_budget.hpp", {}), "");
}

} // namespace
