// The ladder of idle memory, step by step, under a clock of the test's own: in use, parked, free pages, weak, gone.

#include "reclaim/idle_pool.hpp"
#include "reclaim/keeper.hpp"
#include "support/effort.hpp"

namespace {

using namespace synk_test;

class ladder : public idle_pool {
protected:
    // Everything that was advised in the given time without a call into the pool but the visits.
    static std::vector<advised> silence(milliseconds time) {
        std::vector<advised> all;
        for (const milliseconds end = watched_system::time() + time; watched_system::time() < end;) {
            visit();
            const auto some = watched_system::take_advice();
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    }
};

bool same_range(const advised& a, const void* at, std::size_t size) { return a.at == at && a.size == size; }

TEST_F(ladder, a_block_is_parked_then_free_then_weak_then_gone) {
    synk::bytes b = get(256 * kib);
    const void* const at = b.data();
    put(std::move(b));
    EXPECT_EQ(synk::stats().idle_cached, 256 * kib);

    visit(); // parks it
    EXPECT_EQ(synk::stats().idle_cached, 256 * kib);
    EXPECT_EQ(synk::detail::thread_caches::reserved_bytes(), 256 * kib) << "room for what is not there";
    visit(); // nobody has wanted it back
    EXPECT_EQ(synk::stats().idle_cached, 0U);
    EXPECT_EQ(synk::stats().idle_chunk, 256 * kib);
    EXPECT_TRUE(watched_system::take_advice().empty()) << "its pages were in use a moment ago";

    visit();
    const auto weak = watched_system::take_advice();
    ASSERT_EQ(weak.size(), 1U);
    EXPECT_EQ(weak[0].what, advice::weak);
    EXPECT_TRUE(same_range(weak[0], at, 256 * kib));
    EXPECT_EQ(synk::stats().weak, 256 * kib);
    EXPECT_EQ(synk::stats().idle, 256 * kib) << "weak memory may be resident";

    const auto gone = silence(milliseconds(5000));
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].what, advice::gone);
    EXPECT_TRUE(same_range(gone[0], at, 256 * kib));
    EXPECT_EQ(synk::stats().weak, 0U);
    EXPECT_EQ(synk::stats().idle, 0U);
    EXPECT_EQ(synk::stats().gone, 4 * mib);
    EXPECT_EQ(synk::detail::budget.reserved(), 0U);
}

// Within a quarter of what the options say, later, and not in less than half of it.
TEST_F(ladder, the_times_are_those_of_the_options) {
    for (const int factor : {1, 20}) {
        synk::options o = without_keeper();
        o.weak_after *= factor;
        o.gone_after *= factor;
        synk::configure(o);
        visit();
        const milliseconds start = watched_system::time();
        put(get(1 * mib));
        const auto steps = silence(o.gone_after * 2);
        ASSERT_EQ(steps.size(), 2U);
        EXPECT_EQ(steps[0].what, advice::weak);
        EXPECT_GE(steps[0].when - start, o.weak_after / 2);
        EXPECT_LE(steps[0].when - start, o.weak_after * 5 / 4);
        EXPECT_EQ(steps[1].what, advice::gone);
        EXPECT_GE(steps[1].when - start, o.gone_after / 2);
        EXPECT_LE(steps[1].when - start, o.gone_after * 5 / 4);
    }
}

TEST_F(ladder, neighbours_are_advised_as_one_run) {
    auto blocks = get_many(16, 256 * kib);
    put_all(blocks);
    const auto steps = silence(milliseconds(10'000));
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].size, 4 * mib);
    EXPECT_EQ(steps[1].size, 4 * mib);
}

TEST_F(ladder, a_large_block_is_weak_then_unmapped) {
    synk::bytes b = get(16 * mib);
    const void* const at = b.data();
    put(std::move(b));
    visits(2);
    EXPECT_EQ(synk::stats().idle_large, 16 * mib) << "out of the cache, on the shelf";
    visit();
    const auto weak = watched_system::take_advice();
    ASSERT_EQ(weak.size(), 1U);
    EXPECT_EQ(weak[0].what, advice::weak);
    EXPECT_TRUE(same_range(weak[0], at, 16 * mib));
    EXPECT_EQ(synk::stats().weak, 16 * mib);

    EXPECT_TRUE(silence(milliseconds(5000)).empty()) << "it goes with its addresses";
    EXPECT_EQ(synk::stats().idle, 0U);
    EXPECT_EQ(synk::stats().mapped, 0U);
}

TEST_F(ladder, a_block_that_comes_back_into_use_starts_again) {
    auto blocks = get_many(4, 1 * mib);
    put_all(blocks);
    visits(3);
    EXPECT_EQ(synk::stats().weak, 4 * mib);
    static_cast<void>(watched_system::take_advice());
    synk::bytes b = get(1 * mib);
    EXPECT_EQ(synk::stats().weak, 3 * mib) << "a lent page is no idle one";
    const void* const at = b.data();
    for (const advised& a : silence(milliseconds(20'000))) EXPECT_FALSE(a.meets(at, 1 * mib));
    put(std::move(b));
    const auto steps = silence(milliseconds(10'000));
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(steps[0].what, advice::weak);
    EXPECT_TRUE(steps[0].meets(at, 1 * mib));
}

// Every other block stays lent: nothing may touch those. The gaps are short, and worth an advice only where nobody else
// is at work.
TEST_F(ladder, runs_under_64_kib_wait_until_their_chunk_is_calm) {
    auto kept = put_every_other(get_many(64, 32 * kib));
    constexpr unsigned cls = inside::class_of(mib);
    for (int i = 0; i < 100; ++i) {
        std::byte* beside = nullptr;
        ASSERT_EQ(inside::shared_store::get(cls, &beside, 1).count, 1U);
        ASSERT_TRUE(inside::budget.take(mib));
        inside::shared_store::put_pages(&beside, 1);
        for (const advised& a : silence(milliseconds(250))) EXPECT_GE(a.size, 64 * kib);
    }
    EXPECT_EQ(synk::stats().idle - synk::stats().weak, 32 * 32 * kib + mib);
    const auto steps = silence(milliseconds(10'000));
    EXPECT_EQ(std::ranges::count(steps, 32 * kib, &advised::size), 31) << "all but that beside the rest";
    EXPECT_EQ(synk::stats().idle, 0U);
    put_all(kept);
}

// A visit is soon over: a fork waits for it.
TEST_F(ladder, many_short_runs_go_in_many_visits) {
    auto kept = put_every_other(get_many(12'000, 4 * kib));
    ASSERT_GE(synk::stats().idle, 6000 * 4 * kib);
    std::size_t most = 0, sum = 0;
    for (int i = 0; i < 40; ++i) {
        visit();
        const std::size_t now = watched_system::take_advice().size();
        most = std::max(most, now);
        sum += now;
    }
    EXPECT_GE(sum, 5900U);
    EXPECT_LE(most, 4200U);
    EXPECT_EQ(synk::stats().idle, 0U);
    put_all(kept);
}

TEST_F(ladder, runs_of_64_kib_are_not_left_alone) {
    auto kept = put_every_other(get_many(64, 64 * kib));
    EXPECT_EQ(silence(milliseconds(2'000)).size(), 32U);
    EXPECT_EQ(silence(milliseconds(20'000)).size(), 32U);
    EXPECT_EQ(synk::stats().idle, 0U);
    put_all(kept);
}

// Or a system that uses huge pages where nobody asks for them would make more resident than is touched.
TEST_F(ladder, a_chunk_is_off_huge_pages_from_the_beginning) {
    const auto before = watched_system::count(advice::no_huge);
    put(get(4 * mib));
    EXPECT_EQ(watched_system::count(advice::no_huge), before + 1);
    EXPECT_EQ(watched_system::count(advice::huge), 0U);
}

TEST_F(ladder, a_chunk_on_huge_pages_is_weak_by_whole_ones) {
    synk::options o = without_keeper();
    o.huge = synk::huge_pages::on;
    synk::configure(o);
    synk::bytes whole = get(4 * mib);
    std::byte* const chunk = whole.data();
    put(std::move(whole));
    synk::bytes corner = get(64 * kib); // the rest reaches into both halves
    ASSERT_EQ(corner.data(), chunk);

    const auto steps = silence(milliseconds(20'000));
    put(std::move(corner));
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].what, advice::weak);
    EXPECT_TRUE(same_range(steps[0], chunk + 2 * mib, 2 * mib));
    EXPECT_EQ(steps[1].what, advice::gone);
    EXPECT_TRUE(same_range(steps[1], chunk + 64 * kib, 4 * mib - 64 * kib)) << "in the end they are broken up";
    EXPECT_EQ(synk::stats().idle, 64 * kib);
}

// Chunks on huge pages: one touch brings 2 MiB, whoever owns the rest of it.
class huge_ladder : public ladder {
protected:
    huge_ladder() {
        synk::options o = without_keeper();
        o.huge = synk::huge_pages::on;
        synk::configure(o);
    }
};

TEST_F(huge_ladder, what_a_block_leaves_over_of_a_huge_page_is_idle) {
    for (int round = 0; round < 2; ++round) { // new from the system, and gone in between
        synk::bytes b = get(64 * kib);
        EXPECT_EQ(synk::stats().idle, 2 * mib - 64 * kib);
        EXPECT_EQ(synk::stats().gone, 2 * mib) << "nobody has touched the other huge page";
        synk::bytes other = get(2 * mib);
        EXPECT_EQ(synk::stats().idle, 2 * mib - 64 * kib);
        EXPECT_EQ(synk::stats().gone, 0U);
        put(std::move(b));
        put(std::move(other));
        silence(milliseconds(20'000));
        EXPECT_EQ(synk::stats().gone, 4 * mib);
    }
}

TEST_F(huge_ladder, a_block_in_a_weak_huge_page_takes_all_of_it_out_of_the_systems_hands) {
    put(get(4 * mib));
    visits(3);
    EXPECT_EQ(synk::stats().weak, 4 * mib);
    put(get(64 * kib));
    EXPECT_EQ(synk::stats().weak, 2 * mib);
    visits(3);
    EXPECT_EQ(synk::stats().weak, 4 * mib) << "put back it is weak again";
}

TEST_F(huge_ladder, a_huge_page_of_which_a_part_goes_is_none_any_more) {
    synk::bytes b = get(64 * kib);
    EXPECT_EQ(synk::trim(), 2 * mib - 64 * kib);
    EXPECT_EQ(watched_system::count(advice::no_huge), 1U) << "or a touch would bring back what just went";
    synk::bytes other = get(64 * kib);
    EXPECT_EQ(synk::stats().idle, 0U) << "it comes by 4 KiB now";
    put(std::move(b));
    put(std::move(other));
    silence(milliseconds(20'000));
    other = get(64 * kib);
    EXPECT_EQ(watched_system::count(advice::huge), 2U) << "wholly gone and new, it is one again";
    const auto tables = watched_system::take_advice();
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_EQ(tables[0].what, advice::gone);
    EXPECT_TRUE(same_range(tables[0], other.data(), 4 * mib)) << "no table of small pages stays";
    put(std::move(other));
    EXPECT_EQ(synk::stats().idle, 2 * mib);
}

// What was weak when its chunk left huge pages is one still.
TEST_F(huge_ladder, a_weak_huge_page_is_one_until_it_is_used) {
    put(get(4 * mib));
    synk::bytes corner = get(64 * kib);
    visits(3);
    ASSERT_EQ(synk::stats().weak, 2 * mib);
    synk::trim(synk::stats().idle - 64 * kib); // a part of the other one
    ASSERT_EQ(synk::stats().weak, 2 * mib);
    ASSERT_EQ(watched_system::count(advice::no_huge), 1U) << "this test shows nothing";
    synk::bytes in_weak = get(64 * kib);
    ASSERT_EQ(in_weak.data(), corner.data() + 2 * mib);
    EXPECT_EQ(synk::stats().weak, 0U) << "the system may take none of it now";
    EXPECT_EQ(synk::stats().idle, 2 * mib - 64 * kib);
    put(std::move(corner));
    put(std::move(in_weak));
}

TEST_F(huge_ladder, a_chunk_that_is_refused_huge_pages_is_cut_anew_without_advice) {
    watched_system::refuse(advice::huge);
    put(get(64 * kib));
    silence(milliseconds(20'000));
    EXPECT_EQ(synk::stats().gone, 4 * mib);
    put(get(64 * kib));
    EXPECT_TRUE(watched_system::take_advice().empty());
}

TEST_F(huge_ladder, the_limit_holds_for_what_is_left_over) {
    synk::options o = synk::current_options();
    o.idle_limit = 8 * mib;
    synk::configure(o);
    std::vector<synk::bytes> blocks;
    for (int i = 0; i < 32; ++i) {
        blocks.push_back(get(3 * mib));
        EXPECT_LE(synk::stats().idle, 8 * mib);
    }
    put_all(blocks);
    EXPECT_LE(synk::stats().idle, 8 * mib);
}

class steady_use : public ladder {
protected:
    static constexpr std::size_t sizes[] = {4 * kib, 12 * kib, 64 * kib, 300 * kib, 1 * mib, 4 * mib, 6 * mib, 9 * mib};
    // What a server does all day: two blocks of each size at a time.
    static void serve() {
        for (const std::size_t n : sizes) {
            synk::bytes one = get(n), other = get(n);
            put(std::move(one));
            put(std::move(other));
        }
    }
};

TEST_F(steady_use, is_never_touched) {
    const auto hours = std::chrono::hours(effort(2));
    const milliseconds end = watched_system::time() + hours;
    for (int i = 0; i < 100; ++i) serve(), visit();
    static_cast<void>(watched_system::take_advice());
    const std::size_t mapped = synk::stats().mapped;
    while (watched_system::time() < end) serve(), watched_system::pass(milliseconds(90)), synk::maintain();
    EXPECT_TRUE(watched_system::take_advice().empty());
    EXPECT_EQ(synk::stats().mapped, mapped);
}

// Three of four blocks are no longer needed: they go, the one in use does not.
TEST_F(steady_use, of_some_blocks_lets_the_others_go) {
    auto blocks = get_many(4, 1 * mib);
    put_all(blocks);
    for (int i = 0; i < 100; ++i) put(get(1 * mib)), visit();
    EXPECT_EQ(synk::stats().idle_cached, 1 * mib);
    EXPECT_EQ(synk::stats().idle - synk::stats().weak, 1 * mib);
    static_cast<void>(watched_system::take_advice());
    for (int i = 0; i < 100; ++i) put(get(1 * mib)), visit();
    EXPECT_TRUE(watched_system::take_advice().empty()) << "once weak is enough";
}

TEST_F(steady_use, one_huge_request_does_not_fatten_the_pool) {
    for (int i = 0; i < 100; ++i) serve(), visit();
    const synk::statistics before = synk::stats();
    put(get(1 * gib));
    put(get(64 * mib));
    auto burst = get_many(20, 4 * mib);
    put_all(burst);
    const milliseconds end = watched_system::time() + std::chrono::hours(1);
    while (watched_system::time() < end) serve(), visit();
    const synk::statistics after = synk::stats();
    // The blocks may have come to lie elsewhere, with another free run that is too short to go. And where few lengths
    // served before the burst, each size may have its class since: two blocks of 320 KiB beside those of a megabyte.
    constexpr std::size_t short_run = 64 * kib + 2 * 320 * kib;
    EXPECT_LT(after.idle, before.idle + short_run);
    EXPECT_LE(after.mapped, before.mapped + 20 * 4 * mib) << "the large blocks keep their addresses";
    EXPECT_LT(after.mapped - after.gone, before.mapped - before.gone + short_run);
}

class no_visit : public ladder {};

TEST_F(no_visit, before_it_is_due) {
    auto blocks = get_many(8, 1 * mib);
    put_all(blocks);
    for (int i = 0; i < 100'000; ++i) EXPECT_EQ(synk::maintain(), 0U);
    watched_system::pass(milliseconds(249));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(synk::maintain(), 0U);
    EXPECT_EQ(synk::stats().idle_cached, 8 * mib);
    EXPECT_TRUE(watched_system::take_advice().empty());
    watched_system::pass(milliseconds(1));
    synk::maintain(); // now it is due
    visits(2);
    EXPECT_EQ(synk::stats().weak, 8 * mib);
}

TEST_F(no_visit, is_left_out_where_puts_go_the_slow_way) {
    auto blocks = get_many(8, 1 * mib);
    put_all(blocks);
    synk::options o = without_keeper();
    o.zero_on_get = true; // every get and put is slow
    synk::configure(o);
    for (int i = 0; i < 1000; ++i) {
        put(get(8 * kib));
        watched_system::pass(milliseconds(10));
    }
    EXPECT_FALSE(watched_system::take_advice().empty());
    EXPECT_LT(synk::stats().idle, 64 * kib);
}

// The time that a visitor has read may be older than the last visit by another thread.
TEST_F(no_visit, after_one_that_was_later) {
    put(get(1 * mib));
    visit();
    const auto last = std::chrono::nanoseconds(watched_system::time()).count();
    for (const long earlier : {1L, 1000L, 100'000'000L})
        synk::detail::keeper::visit_if_due(static_cast<std::uint64_t>(last - earlier));
    EXPECT_EQ(synk::stats().idle_cached, 1 * mib) << "parked a moment ago";
}

TEST_F(ladder, maintain_says_how_much_it_gave_back) {
    auto blocks = get_many(8, 1 * mib);
    put_all(blocks);
    std::size_t went = 0;
    for (int i = 0; i < 100; ++i) went += visit();
    EXPECT_EQ(went, 8 * mib);
}

} // namespace
