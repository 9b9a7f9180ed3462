// Over the limit idle memory goes at once: not much more of it than must, and where it is cheapest to give back.

#include <thread>

#include "budget/idle_budget.hpp"
#include "reclaim/give_back.hpp"
#include "reclaim/idle_pool.hpp"
#include "support/system_that_holds.hpp"

namespace {

using namespace synk_test;

constexpr std::size_t block = 64 * kib;
constexpr std::size_t huge_page = 2 * mib;

class over_limit : public idle_pool {
protected:
    // What is idle becomes free pages of its chunk.
    static void make_free_pages() { synk::detail::gather_idle(); }
};

TEST_F(over_limit, a_put_gives_back_a_huge_page_more_than_it_must_at_most) {
    for (const std::size_t limit : {16 * mib, 256 * mib}) {
        set_limit(limit);
        auto blocks = get_many((limit + 8 * mib) / block, block);
        std::size_t went = 0;
        while (!blocks.empty()) {
            const std::size_t before = synk::stats().given_back;
            put(std::move(blocks.back()));
            blocks.pop_back();
            const std::size_t now = synk::stats().given_back - before;
            EXPECT_LE(now, huge_page + block);
            EXPECT_LE(synk::stats().idle, limit);
            went += now;
        }
        EXPECT_GT(went, 0U) << "the limit was never reached";
        synk::trim();
    }
}

TEST_F(over_limit, whole_huge_pages_go_before_short_runs) {
    auto kept = put_every_other(get_many(4 * mib / block, block)); // free runs of a block each
    make_free_pages();
    synk::bytes whole = get(4 * mib);
    const void* const at = whole.data();
    put(std::move(whole));
    make_free_pages();
    static_cast<void>(watched_system::take_advice());
    EXPECT_EQ(synk::detail::shared_store::purge(huge_page), huge_page);
    const auto first = watched_system::take_advice();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].size, huge_page);
    EXPECT_TRUE(first[0].meets(at, 4 * mib));
    put_all(kept);
}

// A run is no reason to give back all of it, however long it is: what is wanted goes, and the rest of that huge page.
TEST_F(over_limit, of_a_long_run_goes_what_must) {
    put(get(4 * mib));
    make_free_pages();
    ASSERT_EQ(synk::stats().idle, 4 * mib);
    EXPECT_EQ(synk::detail::shared_store::purge(block), huge_page);
    EXPECT_EQ(synk::stats().idle, huge_page);
    EXPECT_EQ(synk::detail::shared_store::purge(block), huge_page);
    EXPECT_EQ(synk::stats().idle, 0U);
}

// What has gone is room for others, though the thread that gives it back stands.
TEST_F(over_limit, a_trim_that_stands_in_the_middle_keeps_no_room_from_others) {
    set_limit(64 * mib);
    auto lent = get_many(32 * mib / block, block);
    auto idle = get_many(64 * mib / block, block);
    put_all(idle);
    make_free_pages();
    const system_that_holds system(system_that_holds::call::advise, 24); // of 32, of a huge page each
    std::thread trimmer([] {
        system_that_holds::this_thread_may_be_held();
        synk::trim();
    });
    system_that_holds::wait_until_held();
    const synk::statistics before = synk::stats();
    put_all(lent);
    const synk::statistics now = synk::stats();
    EXPECT_EQ(now.dropped, before.dropped);
    EXPECT_EQ(now.given_back, before.given_back) << "nothing had to make room";
    system_that_holds::let_go();
    trimmer.join();
    EXPECT_EQ(synk::detail::budget.reserved(), synk::stats().idle);
}

} // namespace
