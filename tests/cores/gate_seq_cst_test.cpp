// The gate of a thread's cache in the form that needs no membarrier: as ThreadSanitizer gets it.
// ctest-variants: plain asan
// ctest-program: own, as it sees the library by another name
//
// Renamed, so that it is not the class of the same name in the library, which has the other form.
#undef SYNK_TSAN
#define SYNK_TSAN 1
#define v1 v1_seq_cst
#include <synk/detail/gate.hpp>
#undef v1

#include <gtest/gtest.h>

#include "cores/gate_checks.hpp"

namespace {

using synk::v1_seq_cst::detail::cache_gate;

TEST(GateSeqCst, LetsInOneAtATime) { synk_test::expect_one_at_a_time<cache_gate>(); }
TEST(GateSeqCst, GivesAllPartsButTheOwners) { synk_test::expect_all_parts_but_the_owners<cache_gate>(); }
TEST(GateSeqCst, GivesNothingWithoutTheBarrier) { synk_test::expect_nothing_without_the_barrier<cache_gate>(); }
TEST(GateSeqCst, GrantsWishesOnce) { synk_test::expect_wishes_are_granted_once<cache_gate>(); }
TEST(GateSeqCst, SlowOnlyShutsTheFastWayAlone) { synk_test::expect_slow_only_shuts_the_fast_way_alone<cache_gate>(); }

TEST(GateSeqCst, ExcludesWithoutMembarrier) {
    for (const unsigned others : {1U, 3U}) {
        synk_test::gate_contest<cache_gate> contest;
        contest.run(others, 5, synk_test::no_barrier);
    }
}

} // namespace
