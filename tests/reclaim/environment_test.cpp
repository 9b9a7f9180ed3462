// The environment that a process starts with is the pool's, until configure() says something else.
// ctest-environment: SYNK_IDLE_LIMIT=3M SYNK_WEAK_AFTER=200ms SYNK_GONE_AFTER=300ms SYNK_KEEPER=off SYNK_HUGE_PAGES=off

#include <cstdlib>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

namespace {

class start : public testing::Test {
protected:
    void SetUp() override {
        if (std::getenv("SYNK_IDLE_LIMIT") == nullptr) GTEST_SKIP() << "run by ctest, which sets the environment";
    }
};

TEST_F(start, reads_the_environment) {
    { auto b = synk::get_sized_pool().get_sized(1); }
    const synk::options o = synk::current_options();
    EXPECT_EQ(o.idle_limit, 3U << 20);
    EXPECT_EQ(o.weak_after, std::chrono::milliseconds(200));
    EXPECT_EQ(o.gone_after, std::chrono::milliseconds(300));
    EXPECT_FALSE(o.keeper);
    EXPECT_EQ(o.huge, synk::huge_pages::off);
}

TEST_F(start, is_before_configure_in_time_but_not_in_rank) {
    synk::configure({});
    { auto b = synk::get_sized_pool().get_sized(1); }
    EXPECT_EQ(synk::current_options().idle_limit, synk::options().idle_limit);
    EXPECT_TRUE(synk::current_options().keeper);
}

} // namespace
