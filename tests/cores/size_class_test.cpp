// Sizes, tiers and classes: every page count up to 8 MiB, and sizes from everywhere above.
//
// ctest-variants: plain asan
#include <synk/detail/size_class.hpp>

#include <bit>

#include <gtest/gtest.h>

#include "support/random.hpp"

namespace {

using namespace synk::detail;

constexpr std::size_t last_page = (std::size_t{8} << 20) / page_size;

std::size_t pages_for(std::size_t n) { return n == 0 ? 1 : ((n - 1) >> page_shift) + 1; }

// The design's formula, with the specification's list of tiers.
unsigned tier_by_design(std::size_t n) {
    if (n <= 4096) return 0;
    const auto tier = static_cast<unsigned>(std::bit_width(n - 1)) - 12;
    return tier <= 10 ? tier : tier_count;
}

void expect_class_holds(std::size_t n) {
    const unsigned cls = class_of(n);
    ASSERT_LT(cls, class_limit) << n;
    const std::size_t wanted = pages_for(n);
    const std::size_t has = class_pages(cls); // pages: the bytes of the last classes do not fit into a size_t
    ASSERT_GE(has, wanted) << n;
    ASSERT_LE((has - wanted) * 4, wanted) << n << ": more than a quarter is wasted";
    ASSERT_LT(cls == 0 ? 0 : class_pages(cls - 1), wanted) << n << ": the class below would do";
}

TEST(SizeClass, HoldsEverySizeUpTo8MiBWithAtMostAQuarterOfWaste) {
    for (std::size_t pages = 1; pages <= last_page; ++pages)
        for (const std::size_t n : {(pages - 1) * page_size + 1, pages * page_size - 1, pages * page_size})
            expect_class_holds(n);
}

TEST(SizeClass, HoldsSizesFromTheWholeRange) {
    synk_test::random_source random = synk_test::seeded();
    for (std::size_t i = 0; i < synk_test::effort(1'000'000); ++i) {
        const std::size_t n = random.next() >> random.below(64);
        expect_class_holds(n);
    }
    expect_class_holds(~std::size_t{0});
    expect_class_holds(max_block_size);
}

TEST(SizeClass, NothingIsTheLeastClassOrTheLastBin) {
    EXPECT_EQ(class_of(0), 0U);
    EXPECT_EQ(class_of(1), 0U);
    EXPECT_EQ(class_of_positive(0), class_limit - 1);
}

TEST(SizeClass, GrowsWithTheSize) {
    for (std::size_t pages = 1; pages <= last_page; ++pages) {
        const unsigned here = class_of(pages * page_size);
        const unsigned behind = class_of(pages * page_size + 1);
        ASSERT_LE(here, behind) << pages;
        ASSERT_LE(behind, here + 1) << pages << ": a class is left out";
    }
    synk_test::random_source random = synk_test::seeded();
    for (std::size_t i = 0; i < synk_test::effort(1'000'000); ++i) {
        const std::size_t a = random.next() >> random.below(64);
        const std::size_t b = random.next() >> random.below(64);
        ASSERT_EQ(class_of(std::min(a, b)), std::min(class_of(a), class_of(b))) << a << ", " << b;
    }
}

TEST(SizeClass, IsTheInverseOfItsBytes) {
    for (unsigned cls = 0; class_pages(cls) <= max_block_size >> page_shift; ++cls) {
        ASSERT_EQ(class_of(class_bytes(cls)), cls);
        ASSERT_EQ(class_of(class_bytes(cls) + 1), cls + 1);
    }
}

TEST(SizeClass, TiersAreTheDesigns) {
    EXPECT_EQ(tier_of(0), 0U);
    for (std::size_t pages = 1; pages <= last_page; ++pages)
        for (const std::size_t n : {(pages - 1) * page_size + 1, pages * page_size - 1, pages * page_size})
            ASSERT_EQ(tier_of(n), tier_by_design(n)) << n;
    synk_test::random_source random = synk_test::seeded();
    for (std::size_t i = 0; i < synk_test::effort(1'000'000); ++i) {
        const std::size_t n = random.next() >> random.below(64);
        ASSERT_EQ(tier_of(n), tier_by_design(n)) << n;
    }
}

TEST(SizeClass, ATierBeginsAndEndsAtPowersOfTwo) {
    for (unsigned tier = 0; tier < tier_count; ++tier) {
        const std::size_t most = std::size_t{4096} << tier;
        EXPECT_EQ(tier_of(most), tier);
        EXPECT_EQ(tier_of(most + 1), tier + 1);
    }
}

TEST(SizeClass, ABlockIsOfTheTierOfTheRequestThatItServes) {
    for (std::size_t n = 1; n <= last_page * page_size; n += page_size / 2)
        ASSERT_EQ(tier_of_class(class_of(n)), tier_of(n)) << n;
}

} // namespace
