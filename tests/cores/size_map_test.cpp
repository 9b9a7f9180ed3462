// Which bin serves which size.
#include <cstddef>

#include <gtest/gtest.h>

#include <synk/detail/size_map.hpp>

namespace {

using namespace synk::detail;

constexpr std::size_t kib = 1024, mib = 1024 * kib;

TEST(SizeMap, KnowsTheBinOfEachClass) {
    size_map map;
    map.serve_few_lengths(false);
    EXPECT_FALSE(map.serves_few_lengths());
    EXPECT_EQ(map.bin_for(0), bin_of(class_limit - 1));
    for (unsigned cls = 0; cls <= class_of(max_block_size); ++cls) {
        const std::size_t last = class_bytes(cls), before = cls != 0 ? class_bytes(cls - 1) : 0;
        for (const std::size_t n : {before + 1, (before + last) / 2, last - 1, last})
            ASSERT_EQ(map.bin_for(n), bin_of(cls)) << n;
    }
    EXPECT_EQ(map.bin_for(max_block_size), bin_of(class_of(max_block_size)));
    EXPECT_EQ(map.bin_for(~std::size_t{0}), bin_of(class_of(~std::size_t{0})));
}

// As a thread begins, and again.
TEST(SizeMap, OrThatOfTheLeastOfFewLengths) {
    size_map map;
    for (int time = 0; time < 2; ++time) {
        EXPECT_TRUE(map.serves_few_lengths());
        EXPECT_EQ(map.bin_for(0), bin_of(class_limit - 1));
        for (std::size_t held = 1; held <= 2 * chunk_pages; ++held)
            for (const std::size_t n : {(held - 1) * page_size + 1, held * page_size}) {
                std::size_t expected = class_bytes(class_of(n));
                if (n > 64 * kib && n <= chunk_size) {
                    expected = n <= 256 * kib ? 256 * kib : n <= mib ? mib : 4 * mib;
                    ASSERT_EQ(size_map::common_length(n), expected) << n;
                    ASSERT_LT(expected, 4 * n);
                }
                ASSERT_EQ(class_bytes(class_in(map.bin_for(n))), expected) << n;
            }
        EXPECT_EQ(map.bin_for(max_block_size), bin_of(class_of(max_block_size)));
        map.serve_few_lengths(false);
        map.serve_few_lengths(true);
    }
}

} // namespace
