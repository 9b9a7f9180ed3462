// The gate of a thread's cache, as users get it: the owner's way in is two plain stores, the others call membarrier.
// (Under ThreadSanitizer the library has the form of gate_seq_cst_test.)
#include <synk/detail/gate.hpp>

#include <gtest/gtest.h>

#include "cores/gate_checks.hpp"
#include "pages/system.hpp"

namespace {

using synk::detail::cache_gate;

void membarrier() {
    if (!SYNK_TSAN) synk::detail::os().barrier();
}

bool membarrier_is_to_be_had() { return SYNK_TSAN || synk::detail::os().register_barrier(); }

TEST(Gate, LetsInOneAtATime) { synk_test::expect_one_at_a_time<cache_gate>(); }
TEST(Gate, GivesAllPartsButTheOwners) { synk_test::expect_all_parts_but_the_owners<cache_gate>(); }
TEST(Gate, GivesNothingWithoutTheBarrier) { synk_test::expect_nothing_without_the_barrier<cache_gate>(); }
TEST(Gate, GrantsWishesOnce) { synk_test::expect_wishes_are_granted_once<cache_gate>(); }
TEST(Gate, SlowOnlyShutsTheFastWayAlone) { synk_test::expect_slow_only_shuts_the_fast_way_alone<cache_gate>(); }

TEST(Gate, ExcludesWithMembarrier) {
    if (!membarrier_is_to_be_had()) GTEST_SKIP() << "the system refuses membarrier";
    for (const unsigned others : {1U, 3U}) {
        synk_test::gate_contest<cache_gate> contest;
        contest.run(others, 5, membarrier);
    }
}

// Where membarrier is refused the library shuts the fast way: the slow one pays for its own barrier.
TEST(Gate, ExcludesWithoutMembarrierOnTheSlowWay) {
    synk_test::gate_contest<cache_gate> contest;
    contest.run(2, 1, synk_test::no_barrier);
}

} // namespace
