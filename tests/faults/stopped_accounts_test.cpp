// A thread that is stopped in the middle of its accounts: those of others are right all the same.
#include <atomic>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "budget/idle_budget.hpp"
#include "faults/stepped_atomic.hpp"
#include "support/fresh_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

// Calls look() while a thread stands before each atomic operation of go(). Returns how many there are.
std::uint64_t at_every_operation(const std::function<void()>& prepare, const std::function<void()>& go,
                                 const std::function<void()>& look) {
    std::uint64_t n = 0;
    for (bool ended = false; !ended;) {
        ++n;
        stopping_place::clear();
        prepare();
        std::atomic<bool> done{false};
        std::thread stopped([&] {
            stopping_place::stand_before(n);
            go();
            ended = !stopping_place::held();
            stopping_place::forget();
            done = true;
        });
        while (!stopping_place::held() && !done) std::this_thread::yield();
        SCOPED_TRACE(testing::Message() << "before operation " << n);
        look();
        stopping_place::let_go();
        stopped.join();
    }
    return n - 1;
}

// Or nobody else could keep anything.
TEST(StoppedAccounts, NobodyWhoFindsNoRoomHasReservedIt) {
    inside::idle_budget budget;
    budget.set_limit(10 * mib);
    ASSERT_TRUE(budget.take(4 * mib));
    const auto operations = at_every_operation([] {}, [&budget] { EXPECT_FALSE(budget.take(7 * mib)); },
                                               [&budget] { EXPECT_EQ(budget.reserved(), 4 * mib); });
    EXPECT_GT(operations, 1U);
}

// A get wakes the rest of its huge page, of which another has a part at once.
TEST(StoppedAccounts, NoCountRunsBelowZero) {
    synk::options o = quiet();
    o.huge = synk::huge_pages::on;
    o.zero_on_get = true; // no hits
    synk::bytes first, second;
    const auto prepare = [&] {
        first.reset();
        synk::configure(o);
        second.reset();
        synk::trim();
        inside::shared_store::unmap_free();
        first = synk::get_sized_pool().get_sized(1536 * kib);
    };
    at_every_operation(
        prepare, [&second] { second = synk::get_sized_pool().get_sized(1792 * kib); },
        [] {
            const synk::bytes part = synk::get_sized_pool().get_sized(512 * kib);
            const synk::statistics s = synk::stats();
            for (const std::size_t count : {s.idle, s.idle_chunk, s.lent, s.gone, s.weak}) EXPECT_LE(count, s.mapped);
        });
    synk::configure({});
}

} // namespace
