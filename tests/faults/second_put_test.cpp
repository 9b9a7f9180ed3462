// A bare pointer that is put a second time while its first put stands before any one of its atomic operations: by
// another thread, or by a signal handler that interrupts the first. One of the two is told, wherever that is, before
// both have come back.
#include <atomic>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "faults/stepped_atomic.hpp"
#include "support/child.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

constexpr std::size_t size = 5000;
constexpr const char* second_put = "put a second time";

void* lent = nullptr;

void lend() { lent = synk::get_sized_pool().allocate(size); }
void put() { synk::get_sized_pool().deallocate(lent, size); }
void put_another_of_the_same_size() {
    void* const p = synk::get_sized_pool().try_allocate(size);
    synk::get_sized_pool().deallocate(p, size);
}

constexpr int not_reached = 3; // there were not so many operations

// Ends well where nobody is told, with not_reached where the first put is over before.
struct contest {
    bool lender_puts_first;
    bool lender_puts_second;

    void run(std::uint64_t n) const {
        worker lender;
        lender.run(lend);
        stopping_place::clear();
        std::atomic<bool> over{false};
        std::thread elsewhere;
        const auto first = [&over, n] {
            stopping_place::stand_before(n);
            put();
            stopping_place::forget();
            over = true;
        };
        std::thread watched(lender_puts_first ? std::thread([&] { lender.run(first); }) : std::thread(first));
        while (!stopping_place::held() && !over) std::this_thread::yield();
        if (over) ::_exit(not_reached);
        if (lender_puts_second)
            lender.run(put);
        else
            put();
        stopping_place::let_go();
        watched.join();
    }
};

// Calls one_more(n) for n = 1, 2, ... until it says that there are not so many operations. How many there were.
template <class OneMore>
std::uint64_t at_every_operation(OneMore one_more) {
    std::uint64_t n = 0;
    while (!testing::Test::HasFailure() && one_more(n + 1)) ++n;
    return n;
}

void expect_told(const contest& c) {
    if (!children_may_start_threads) GTEST_SKIP() << no_threads_in_children;
    const std::uint64_t operations = at_every_operation([&c](std::uint64_t n) {
        const ending e = in_child([&c, n] { c.run(n); });
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
        EXPECT_TRUE(e.aborted() && e.words.find(second_put) != e.words.npos) << "before operation " << n << ": " << e;
        return true;
    });
    EXPECT_GE(operations, 8U);
}

TEST(SecondPutAtEveryStep, OfTheLendersByAnother) { expect_told({true, false}); }
TEST(SecondPutAtEveryStep, OfAnothersByTheLender) { expect_told({false, true}); }
TEST(SecondPutAtEveryStep, OfAnothersByAThird) { expect_told({false, false}); }

// In the thread that puts first. Ends as handler() does, or with not_reached.
ending interrupted(std::uint64_t n, void (*lend_somewhere)(), stopping_place::handler handler) {
    return in_child([&] {
        lend_somewhere();
        stopping_place::interrupt_by(handler);
        stopping_place::stand_before(n);
        put();
        ::_exit(stopping_place::interrupted() ? 0 : not_reached);
    });
}

void expect_told_of_handlers(void (*lend_somewhere)()) {
    const std::uint64_t operations = at_every_operation([&](std::uint64_t n) {
        const ending e = interrupted(n, lend_somewhere, put);
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
        EXPECT_TRUE(e.aborted() && e.words.find(second_put) != e.words.npos) << "before operation " << n << ": " << e;
        return true;
    });
    EXPECT_GE(operations, 8U);
}

void lend_elsewhere() { std::thread(lend).join(); }

TEST(SecondPutAtEveryStep, OfTheLendersByItsHandler) { expect_told_of_handlers(lend); }
TEST(SecondPutAtEveryStep, OfAnothersByAHandler) { expect_told_of_handlers(lend_elsewhere); }

// What is no second put is no misuse, in the middle of whatever put.
TEST(PutAtEveryStep, LetsAHandlerGetAndPutOthers) {
    for (const auto lend_somewhere : {lend, lend_elsewhere}) {
        at_every_operation([&](std::uint64_t n) {
            const ending e = interrupted(n, lend_somewhere, put_another_of_the_same_size);
            if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
            EXPECT_TRUE(e.good()) << "before operation " << n << ": " << e;
            return true;
        });
    }
}

} // namespace
