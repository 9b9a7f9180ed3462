// Who owns which page: claims are page-exact, from the shortest run that fits, and never overlap.
#include "chunks/page_bitmap.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk::detail;

constexpr unsigned pages = page_bitmap::pages;

// The least that a bitmap of pages can be.
class model {
public:
    [[nodiscard]] bool free(page_run run) const {
        return std::none_of(at(run), at(run) + run.pages, [](bool owned) { return owned; });
    }
    [[nodiscard]] bool wholly_owned(page_run run) const {
        return std::all_of(at(run), at(run) + run.pages, [](bool owned) { return owned; });
    }
    void set(page_run run, bool owned) { std::fill_n(owned_.begin() + run.first, run.pages, owned); }
    [[nodiscard]] bool owned(unsigned page) const { return owned_[page]; }

    [[nodiscard]] std::vector<page_run> free_runs() const {
        std::vector<page_run> runs;
        for (unsigned page = 0; page < pages; ++page) {
            if (owned_[page]) continue;
            if (page == 0 || owned_[page - 1]) runs.push_back({page, 0});
            ++runs.back().pages;
        }
        return runs;
    }
    [[nodiscard]] unsigned longest_free() const {
        unsigned longest = 0;
        for (const page_run run : free_runs()) longest = std::max(longest, run.pages);
        return longest;
    }
    // Length of the shortest free run that holds n pages; 0 for none.
    [[nodiscard]] unsigned shortest_fit(unsigned n) const {
        unsigned best = 0;
        for (const page_run run : free_runs())
            if (run.pages >= n && (best == 0 || run.pages < best)) best = run.pages;
        return best;
    }
    [[nodiscard]] page_run free_run_at(unsigned page) const {
        for (const page_run run : free_runs())
            if (run.first <= page && page < run.first + run.pages) return run;
        return {};
    }

private:
    using bits = std::array<bool, pages>;
    [[nodiscard]] bits::const_iterator at(page_run run) const { return owned_.begin() + run.first; }
    bits owned_{};
};

void expect_same(const page_bitmap& bitmap, const model& m) {
    for (unsigned page = 0; page < pages; ++page) ASSERT_EQ(bitmap.owned(page), m.owned(page)) << page;
    ASSERT_EQ(bitmap.longest_free(), m.longest_free());
    unsigned from = 0;
    for (const page_run run : m.free_runs()) {
        const page_run found = bitmap.next_free(from);
        ASSERT_EQ(found.first, run.first);
        ASSERT_EQ(found.pages, run.pages);
        from = run.first + run.pages;
    }
    ASSERT_EQ(bitmap.next_free(from).pages, 0U);
}

TEST(PageBitmap, BeginsWhollyFree) {
    expect_same(page_bitmap{}, model{});
    EXPECT_EQ(page_bitmap{}.longest_free(), pages);
}

TEST(PageBitmap, ClaimsExactlyWhatIsAskedFor) {
    for (const unsigned n : {1U, 2U, 63U, 64U, 65U, 127U, 128U, 129U, 500U, 1023U, 1024U}) {
        page_bitmap bitmap;
        model m;
        const page_run run = bitmap.claim(n);
        ASSERT_EQ(run.pages, n);
        m.set(run, true);
        expect_same(bitmap, m);
        EXPECT_EQ(bitmap.claim(pages - n + 1).pages, 0U);
        EXPECT_TRUE(bitmap.release(run));
        expect_same(bitmap, model{});
    }
}

TEST(PageBitmap, ClaimsRunsAnywhereAcrossWords) {
    for (unsigned first = 0; first < pages; first += 13)
        for (const unsigned n : {1U, 51U, 64U, 65U, 128U, 200U}) {
            if (first + n > pages) continue;
            page_bitmap bitmap;
            model m;
            ASSERT_TRUE(bitmap.claim_at({first, n}));
            m.set({first, n}, true);
            expect_same(bitmap, m);
        }
}

TEST(PageBitmap, TakesTheShortestRunThatFits) {
    page_bitmap bitmap;
    ASSERT_TRUE(bitmap.claim_at({0, pages}));
    for (const page_run hole : {page_run{10, 100}, page_run{200, 40}, page_run{300, 41}, page_run{900, 39}})
        ASSERT_TRUE(bitmap.release(hole));
    EXPECT_EQ(bitmap.claim(40).first, 200U);
    EXPECT_EQ(bitmap.claim(40).first, 300U);
    EXPECT_EQ(bitmap.claim(40).first, 10U);
    EXPECT_EQ(bitmap.claim(40).first, 50U);
    EXPECT_EQ(bitmap.claim(40).pages, 0U);
    EXPECT_EQ(bitmap.claim(39).first, 900U);
}

TEST(PageBitmap, AClaimThatMeetsATakenPageChangesNothing) {
    for (const unsigned taken : {100U, 191U, 192U, 300U, 399U}) {
        page_bitmap bitmap;
        model m;
        ASSERT_TRUE(bitmap.claim_at({taken, 1}));
        m.set({taken, 1}, true);
        EXPECT_FALSE(bitmap.claim_at({100, 300}));
        expect_same(bitmap, m);
    }
}

TEST(PageBitmap, ReportsAReleaseOfPagesThatNobodyOwns) {
    page_bitmap bitmap;
    EXPECT_FALSE(bitmap.release({5, 1}));
    ASSERT_TRUE(bitmap.claim_at({60, 10}));
    EXPECT_FALSE(bitmap.release({60, 11}));
    ASSERT_TRUE(bitmap.claim_at({60, 10}));
    EXPECT_FALSE(bitmap.release({59, 11}));
    ASSERT_TRUE(bitmap.claim_at({60, 10}));
    EXPECT_TRUE(bitmap.release({60, 10}));
    EXPECT_FALSE(bitmap.release({60, 10})) << "a second time";
}

// One random operation on both; the run that was claimed, if any, goes into `owned`.
void random_step(page_bitmap& bitmap, model& m, std::vector<page_run>& owned, synk_test::random_source& random) {
    const auto n = static_cast<unsigned>(random.between(1, random.one_in(4) ? pages : 40));
    if (random.one_in(3) && !owned.empty()) {
        std::swap(owned[random.below(owned.size())], owned.back());
        ASSERT_TRUE(bitmap.release(owned.back()));
        m.set(owned.back(), false);
        owned.pop_back();
    } else if (random.one_in(2)) {
        const unsigned fit = m.shortest_fit(n);
        const page_run run = bitmap.claim(n);
        ASSERT_EQ(run.pages, fit == 0 ? 0 : n);
        if (fit == 0) return;
        ASSERT_TRUE(m.free(run));
        ASSERT_EQ(m.free_run_at(run.first).pages, fit) << "not the shortest run that fits";
        m.set(run, true);
        owned.push_back(run);
    } else {
        const auto first = static_cast<unsigned>(random.below(pages));
        const page_run run{first, std::min(n, pages - first)};
        ASSERT_EQ(bitmap.claim_at(run), m.free(run));
        if (!m.free(run)) return;
        m.set(run, true);
        owned.push_back(run);
    }
}

TEST(PageBitmap, BehavesLikeAnArrayOfFlags) {
    synk_test::random_source random = synk_test::seeded();
    page_bitmap bitmap;
    model m;
    std::vector<page_run> owned;
    for (std::size_t step = 0; step < synk_test::effort(30'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(random_step(bitmap, m, owned, random)) << "step " << step;
        if (step % 16 != 0) continue;
        ASSERT_NO_FATAL_FAILURE(expect_same(bitmap, m)) << "step " << step;
    }
}

// Each page counts its owners. The counter is atomic so that the test itself has no race when the bitmap is broken;
// `touched` is plain memory, so that ThreadSanitizer sees whether a release is seen by the next claim.
class page_owners {
public:
    void enter(page_run run) {
        for (unsigned page = run.first; page < run.first + run.pages; ++page) {
            if (owners_[page].fetch_add(1) != 0) ++overlaps_;
            ++touched_[page];
        }
    }
    void leave(page_run run) {
        for (unsigned page = run.first; page < run.first + run.pages; ++page) owners_[page].fetch_sub(1);
    }
    [[nodiscard]] unsigned overlaps() const { return overlaps_; }

private:
    std::array<std::atomic<unsigned>, pages> owners_{};
    std::array<unsigned, pages> touched_{};
    std::atomic<unsigned> overlaps_{0};
};

void claim_and_release(page_bitmap& bitmap, page_owners& owners, synk_test::random_source random) {
    std::vector<page_run> mine;
    for (std::size_t step = 0; step < synk_test::effort(400'000); ++step) {
        const auto n = static_cast<unsigned>(random.between(1, random.one_in(8) ? 400 : 70));
        if (mine.size() > 6 || (random.one_in(2) && !mine.empty())) {
            const page_run run = mine.back();
            mine.pop_back();
            owners.leave(run);
            if (!bitmap.release(run)) ADD_FAILURE() << "an owned page was not owned";
            continue;
        }
        page_run run = bitmap.claim(n);
        if (run.pages == 0) {
            const auto first = static_cast<unsigned>(random.below(pages - n + 1));
            if (!bitmap.claim_at({first, n})) continue;
            run = {first, n};
        }
        owners.enter(run);
        mine.push_back(run);
    }
    for (const page_run run : mine) {
        owners.leave(run);
        if (!bitmap.release(run)) ADD_FAILURE() << "an owned page was not owned";
    }
}

TEST(PageBitmap, APageHasOneOwnerUnderThreads) {
    synk_test::random_source random = synk_test::seeded();
    page_bitmap bitmap;
    const auto owners = std::make_unique<page_owners>();
    const std::uint64_t seed = random.next();
    synk_test::run_threads(4,
                           [&](unsigned i) { claim_and_release(bitmap, *owners, synk_test::random_source(seed + i)); });
    EXPECT_EQ(owners->overlaps(), 0U);
    EXPECT_EQ(bitmap.longest_free(), pages) << "a page was lost";
}

} // namespace
