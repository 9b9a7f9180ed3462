// A system that refuses advice: the ladder's next step is taken instead, what cannot go stays, is counted, and the
// statistics say so.

#include <algorithm>
#include <thread>

#include "reclaim/idle_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class refusal : public idle_pool {
protected:
    static void refuse_all() {
        watched_system::refuse(advice::weak);
        watched_system::refuse(advice::gone);
    }
    static std::uint64_t refusals() { return synk::stats().refused_advice; }
};

TEST_F(refusal, of_weak_leads_to_gone) {
    watched_system::refuse(advice::weak);
    const auto before = refusals();
    put(get(1 * mib));
    visits(3);
    const auto steps = watched_system::take_advice();
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].what, advice::weak);
    EXPECT_EQ(steps[1].what, advice::gone);
    EXPECT_TRUE(steps[1].meets(steps[0].at, 1)) << "the same run";
    EXPECT_EQ(steps[1].size, 1 * mib);
    EXPECT_EQ(refusals(), before + 1);
    EXPECT_EQ(synk::stats().weak, 0U);
    EXPECT_EQ(synk::stats().idle, 0U);
    visits(30);
    EXPECT_TRUE(watched_system::take_advice().empty()) << "nothing is left to advise";
}

TEST_F(refusal, of_everything_keeps_it_and_says_so) {
    const auto given_back = synk::stats().given_back;
    refuse_all();
    const auto before = refusals();
    synk::bytes lent = get(64 * kib); // in the same chunk, which so cannot be unmapped
    put(get(1 * mib));
    std::size_t went = 0;
    for (int i = 0; i < 100; ++i) went += visit();
    went += synk::trim();
    EXPECT_EQ(went, 0U);
    EXPECT_GT(refusals(), before);
    EXPECT_EQ(refusals() - before, watched_system::take_advice().size());
    const synk::statistics s = synk::stats();
    EXPECT_EQ(s.idle, 1 * mib);
    EXPECT_EQ(s.weak, 0U);
    EXPECT_EQ(s.gone, 3 * mib - 64 * kib) << "pages that nobody has ever touched";
    EXPECT_EQ(s.given_back, given_back);
    expect_truthful_stats();

    watched_system::refuse(advice::gone, false);
    visits(30);
    EXPECT_EQ(synk::stats().idle, 0U) << "it was not tried again";
    EXPECT_EQ(synk::stats().given_back, given_back + 1 * mib);
    put(std::move(lent));
}

// Memory that nothing can be done about is no reason to be busy.
TEST_F(refusal, is_not_asked_for_again_at_every_visit) {
    refuse_all();
    put(get(1 * mib));
    visits(20);
    static_cast<void>(watched_system::take_advice());
    visits(160); // 40 s: ten times gone_after
    EXPECT_LE(watched_system::take_advice().size(), 40U);
}

// Of many runs between lent blocks each would be asked for by each put over the limit, milliseconds at a time.
TEST_F(refusal, ends_a_puts_search_after_a_few) {
    set_limit(8 * mib);
    refuse_all();
    auto blocks = get_many(2000, 16 * kib);
    std::size_t most = 0;
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
        static_cast<void>(watched_system::take_advice());
        put(std::move(blocks[i]));
        most = std::max(most, watched_system::take_advice().size());
    }
    EXPECT_GT(most, 0U) << "the limit was never reached";
    EXPECT_LE(most, 50U);
    // Who trims wants to know of each run.
    static_cast<void>(watched_system::take_advice());
    synk::trim();
    EXPECT_GT(watched_system::take_advice().size(), 200U);
    put_all(blocks);
}

TEST_F(refusal, of_weak_unmaps_a_large_block) {
    watched_system::refuse(advice::weak);
    put(get(16 * mib));
    visits(3);
    EXPECT_EQ(synk::stats().idle, 0U);
    EXPECT_EQ(synk::stats().mapped, 0U);
}

TEST_F(refusal, of_advice_does_not_break_the_limit_while_addresses_can_go) {
    set_limit(32 * mib);
    refuse_all();
    auto blocks = get_many(32, 4 * mib);
    put_all(blocks);
    EXPECT_LE(synk::stats().idle, 32 * mib);
    synk::trim();
    EXPECT_EQ(synk::stats().idle, 0U);
    EXPECT_EQ(synk::stats().mapped, 0U);
}

// Without the barrier nobody can know whether the owner of a cache is inside.
TEST_F(refusal, of_the_barrier_leaves_the_caches_of_others_alone) {
#if SYNK_TSAN
    GTEST_SKIP() << "no barrier is used here";
#endif
    worker other;
    other.run([] { put(get(1 * mib)); });
    watched_system::refuse_barrier();
    EXPECT_EQ(synk::trim(), 0U);
    EXPECT_EQ(synk::stats().idle_cached, 1 * mib);
    watched_system::refuse_barrier(false);
    EXPECT_EQ(synk::trim(), 1 * mib);
}

} // namespace
