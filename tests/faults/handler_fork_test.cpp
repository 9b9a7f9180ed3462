// A signal handler forks before any one of the atomic operations of what its thread does with the caches of others, or
// at its own end, and the child goes on with that: its books must be right, as if nobody had come between.
//
// ctest: TIMEOUT 600
#include <atomic>
#include <cstdlib>
#include <semaphore>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/cache_directory.hpp"
#include "cache/work_in_hand.hpp"
#include "faults/stepped_atomic.hpp"
#include "stats/counters.hpp"
#include "support/child.hpp"
#include "support/effort.hpp"
#include "support/fresh_pool.hpp"

namespace {

using namespace synk_test;

constexpr int not_reached = 3;

synk::options with_limit(std::size_t bytes) {
    synk::options o;
    o.idle_limit = bytes;
    o.weak_after = o.gone_after = std::chrono::milliseconds(4);
    o.keeper = false;
    return o;
}

void hold(std::size_t count, std::size_t n) {
    std::vector<synk::bytes> held;
    while (held.size() != count) held.push_back(synk::get_sized_pool().get_sized(n));
}

// What another thread does while the handler forks: it tries to close the gate of the thread's own cache, or is behind
// that, and has changed something; or it is so behind a third one's.
enum class other { nowhere, tries, is_behind, is_behind_a_thirds };
other where = other::nowhere;
inside::cache_record* contested = nullptr;
inside::cache_record* a_thirds = nullptr;
std::atomic<bool> stands{false}, may_go_on{false};

void stand() {
    stands = true;
    while (!may_go_on) std::this_thread::yield();
}
void let_stand() {
    std::thread([] {
        if (where == other::tries) {
            if (contested->gate.close(stand, false)) contested->gate.open();
        } else if (contested->gate.close([] {}, false)) {
            inside::begin_work_on(*contested);
            contested->set_limit(0, contested->limit(0) + 1);
            stand();
            contested->set_limit(0, contested->limit(0) - 1);
            contested->gate.open();
            inside::end_work_on(*contested);
        }
        stands = true;
    }).detach();
    while (!stands) std::this_thread::yield();
}

pid_t forked = -1;
void fork_in_handler() {
    if (where == other::tries) let_stand();
    forked = ::fork();
    may_go_on = true;
}

void require_right_books() {
    const std::size_t holders = inside::thread_caches::reserved_bytes() + inside::shared_store::channel_bytes() +
                                inside::counters.chunk_warm.get() + inside::counters.large_shelved.get();
    require(inside::budget.reserved() == holders, "what is reserved is what the holders reserve");
    inside::all_caches.each([](inside::cache_record& c) {
        if (c.gate.held()) return; // nobody's for ever, and what it holds is lost
        std::size_t bytes = 0;
        for (unsigned cls = 0; cls < inside::cached_class_count; ++cls)
            bytes += (c.limit(cls) + c.parked[cls].load(std::memory_order_relaxed)) * inside::class_bytes(cls);
        require(c.reserved.load(std::memory_order_relaxed) == bytes, "a cache reserves what its bins may hold");
    });
}

// What is reserved may be less than nothing, which does not show before something is.
void end_child() {
    stopping_place::forget();
    require_right_books();
    synk::trim();
    require(inside::budget.reserved() == 0 && synk::stats().idle == 0, "all that is idle goes back");
    hold(30, 256 * kib);
    require_right_books();
    ::_exit(0);
}

// Behind the library's own destructor of a thread's cache, which is called first: its key is older.
void at_thread_end(void*) {
    if (forked == 0) end_child();
}
void end_a_thread() {
    pthread_key_t key;
    require(::pthread_key_create(&key, at_thread_end) == 0, "there is a key");
    const std::uint64_t n = stopping_place::left();
    stopping_place::forget();
    std::thread([key, n] {
        hold(20, 256 * kib);
        hold(30, 8 * kib);
        ::pthread_setspecific(key, &forked);
        stopping_place::interrupt_by(fork_in_handler);
        stopping_place::stand_before(n);
    }).join();
}

struct way {
    const char* name;
    void (*go)();
    std::size_t most; // operations to be interrupted at, in a short run
    other what_another_does = other::nowhere;

    friend std::ostream& operator<<(std::ostream& out, const way& w) { return out << w.name; }
};

void go_over_the_limit() {
    hold(6, 4 * mib);
    hold(7, 4 * mib);
}
// Slow gets and puts.
void use_own_cache() { hold(2, 200 * kib); }
constexpr way ways[] = {
    {"OverTheLimit", go_over_the_limit, 400},
    {"OwnCacheThatAnotherTries", use_own_cache, 2000, other::tries},        // each
    {"OwnCacheThatAnotherIsBehind", use_own_cache, 2000, other::is_behind}, // each
    {"Age", inside::thread_caches::age, 500},
    {"AgeWhileAnotherIsBehindAThirds", inside::thread_caches::age, 500, other::is_behind_a_thirds},
    {"Trim", [] { synk::trim(); }, 100},
    {"Visit", [] { synk::maintain(); }, 100},
    {"LowerLimit", [] { synk::configure(with_limit(8 * mib)); }, 300},
    {"LeftCaches", [] { inside::thread_caches::give_back_emptied(64); }, 40},
    {"ThreadEnd", end_a_thread, 2000}, // each
};

class HandlerFork : public testing::TestWithParam<way> {
protected:
    // In a process of its own. Whether there were so many operations.
    static bool goes_on_after(std::uint64_t n) {
        const ending e = in_child([n] {
            synk::configure(with_limit(32 * mib));
            std::binary_semaphore never{0};
            for (int i = 0; i < 3; ++i) {
                std::binary_semaphore done{0};
                std::thread([&] {
                    hold(24, 256 * kib);
                    hold(30, 8 * kib);
                    a_thirds = inside::thread_caches::own();
                    done.release();
                    never.acquire();
                }).detach();
                done.acquire();
            }
            std::thread([] { hold(10, 64 * kib); }).join();
            hold(4, 64 * kib);
            std::this_thread::sleep_for(std::chrono::milliseconds(6)); // a visit is due
            where = GetParam().what_another_does;
            contested = where == other::is_behind_a_thirds ? a_thirds : inside::thread_caches::own();
            if (where != other::nowhere && where != other::tries) let_stand();
            stopping_place::interrupt_by(fork_in_handler);
            stopping_place::stand_before(n);
            GetParam().go();
            if (forked == 0) end_child();
            stopping_place::forget();
            int status = 0;
            if (forked == -1) ::_exit(not_reached);
            ::waitpid(forked, &status, 0);
            ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
        });
        EXPECT_TRUE(e.good() || (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached))
            << e << ", before operation " << n;
        return e.good();
    }
};

TEST_P(HandlerFork, LeavesTheChildRightBooks) {
    std::uint64_t steps = 1;
    while (goes_on_after(steps) && !HasFailure()) steps *= 2;
    const std::uint64_t stride = 1 + steps / effort(GetParam().most);
    for (std::uint64_t n = 1; goes_on_after(n) && !HasFailure(); n += stride) {
    }
}

INSTANTIATE_TEST_SUITE_P(Ways, HandlerFork, testing::ValuesIn(ways),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
