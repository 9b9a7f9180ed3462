// A system whose pages are not 4 KiB, as some ARM machines have it: said at the first use, not guessed from failures.
//
// ctest-variants: plain asan
#include <gtest/gtest.h>

#include "pages/system.hpp"
#include "support/fresh_pool.hpp"

namespace {

using namespace synk_test;

TEST(PageSize, IsThatOfTheSystem) {
    EXPECT_EQ(inside::system_page(), page);
    inside::require_page(inside::system_page());
}

TEST(PageSizeDeathTest, OfAnotherLengthEndsTheProcess) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(inside::require_page(65536), "pages have 65536 bytes, and synk is made for pages of 4096");
}

} // namespace
