// Who owns which page: claims are page-exact, from the shortest run that fits well, and never overlap.
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
    // Where n pages go: to that end of the shortest free run which is at a multiple of n; where there is no such run,
    // or n is small, to the front of the shortest one. No pages when there is none either.
    [[nodiscard]] page_run best_place(unsigned n) const {
        page_run best, even;
        unsigned best_room = pages + 1, even_room = pages + 1;
        for (const page_run run : free_runs()) {
            if (run.pages < n) continue;
            const unsigned back = run.first + run.pages - n;
            if (run.pages < best_room) best = {run.first, n}, best_room = run.pages;
            if (n < 16 || run.pages >= even_room || (run.first % n != 0 && back % n != 0)) continue;
            even = {run.first % n == 0 ? run.first : back, n};
            even_room = run.pages;
        }
        return even.pages != 0 ? even : best;
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
    for (const page_run hole : {page_run{10, 30}, page_run{200, 14}, page_run{300, 15}, page_run{900, 13}})
        ASSERT_TRUE(bitmap.release(hole));
    EXPECT_EQ(bitmap.claim(14).first, 200U);
    EXPECT_EQ(bitmap.claim(14).first, 300U);
    EXPECT_EQ(bitmap.claim(14).first, 10U);
    EXPECT_EQ(bitmap.claim(14).first, 24U);
    EXPECT_EQ(bitmap.claim(14).pages, 0U);
    EXPECT_EQ(bitmap.claim(13).first, 900U);
}

// Or a whole that is put together would lie across two others' places, and one less find place in the chunk.
TEST(PageBitmap, PutsManyPagesAtAMultipleOfTheirNumber) {
    page_bitmap bitmap;
    ASSERT_TRUE(bitmap.claim_at({0, pages}));
    for (const page_run hole : {page_run{100, 257}, page_run{400, 368}, page_run{770, 130}})
        ASSERT_TRUE(bitmap.release(hole));
    EXPECT_EQ(bitmap.claim(256).first, 512U) << "the end of the run, and not of the shortest one";
    EXPECT_EQ(bitmap.claim(256).first, 100U) << "where there is no such place, the front of the shortest run";
    EXPECT_EQ(bitmap.claim(100).first, 400U) << "the front of the run, and not of the shortest one";
    EXPECT_EQ(bitmap.claim(15).first, 770U) << "few pages go to the front";
    EXPECT_EQ(bitmap.claim(100).first, 800U);
}

// For who compares the runs of several chunks: there the shortest one comes first, wherever in it the place is.
TEST(PageBitmap, ShowsTheShortestRunThatFitsAndTheLongestOne) {
    page_bitmap bitmap;
    ASSERT_TRUE(bitmap.claim_at({0, pages}));
    for (const page_run hole : {page_run{128, 64}, page_run{300, 40}, page_run{501, 199}, page_run{800, 45}})
        ASSERT_TRUE(bitmap.release(hole));
    const auto fit = [&bitmap](unsigned n) { return bitmap.shortest_fit(n, page_bitmap::nothing{}); };
    EXPECT_EQ(fit(32).run.first, 300U);
    EXPECT_EQ(fit(32).run.pages, 32U);
    EXPECT_EQ(fit(32).room, 40U);
    EXPECT_EQ(fit(40).room, 40U);
    EXPECT_EQ(fit(41).room, 45U);
    EXPECT_EQ(fit(60).room, 64U);
    EXPECT_EQ(fit(100).run.first, 600U) << "the end that is at a multiple of so many pages";
    EXPECT_EQ(fit(200).room, 0U);
    EXPECT_EQ(fit(200).longest, 199U);
    const page_bitmap::fit avoiding = bitmap.shortest_fit(16, [](unsigned w) { return w < 9 ? ~std::uint64_t{0} : 0; });
    EXPECT_EQ(avoiding.room, 45U);
    EXPECT_EQ(avoiding.longest, 700U - 9 * 64);
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
        const page_run best = m.best_place(n);
        const page_run run = bitmap.claim(n);
        ASSERT_EQ(run.pages, best.pages);
        if (run.pages == 0) return;
        ASSERT_EQ(run.first, best.first);
        ASSERT_TRUE(m.free(run));
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
