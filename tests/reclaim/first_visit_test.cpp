// The first visit on a machine that is up for days: nothing was idle before the first put that takes the slow way, so
// the visit is due an interval after it, not at once.

#include <gtest/gtest.h>

#include "cache/thread_caches.hpp"
#include "support/child.hpp"
#include "support/fresh_pool.hpp"
#include "support/watched_system.hpp"

namespace {

using namespace synk_test;

// Blocks where the next get finds them; parked ones are not.
unsigned at_hand(std::size_t n) { return inside::thread_caches::own()->count(inside::class_of(n)); }

// A process of its own: the first slow put is the process's first.
TEST(first_visit, comes_an_interval_after_the_first_put) {
    EXPECT_TRUE(ends_well(in_child([] {
        const watched_system system;
        watched_system::pass(std::chrono::hours(24 * 30));
        synk::configure(quiet());
        const auto use = [] {
            const synk::bytes b = synk::get_sized_pool().get_sized(64 * kib);
            return b.data();
        };
        const std::byte* const block = use();
        require(at_hand(64 * kib) == 1, "what was put just now was not idle for long");
        require(use() == block, "the next get finds it");
        const auto interval = quiet().weak_after / 4;
        watched_system::pass(interval - milliseconds(1));
        synk::maintain();
        require(at_hand(64 * kib) == 1, "a visit is not due yet");
        watched_system::pass(milliseconds(1));
        synk::maintain();
        require(at_hand(64 * kib) == 0 && synk::stats().idle_cached == 64 * kib, "the visit parks it");
    })));
}

} // namespace
