// Every option, by configure() and by its environment variable; values that cannot be are refused, by name, range and
// value.

#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>

#include <synk/pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/environment.hpp"

namespace {

using std::chrono::milliseconds;
using synk::huge_pages;
using synk::options;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

constexpr auto day = std::chrono::hours(24);

bool equal(const options& a, const options& b) {
    return a.idle_limit == b.idle_limit && a.weak_after == b.weak_after && a.gone_after == b.gone_after &&
           a.huge == b.huge && a.keeper == b.keeper && a.trim_on_fork == b.trim_on_fork &&
           a.zero_on_get == b.zero_on_get && a.clear_on_put == b.clear_on_put;
}

class configure : public testing::Test {
protected:
    ~configure() override { synk::configure({}); }

    // What it says when it refuses; empty when it does not. A refusal changes nothing.
    static std::string refusal(const options& wanted) {
        const options before = synk::current_options();
        try {
            synk::configure(wanted);
        } catch (const std::invalid_argument& refused) {
            EXPECT_TRUE(equal(synk::current_options(), before));
            return refused.what();
        }
        EXPECT_TRUE(equal(synk::current_options(), wanted));
        return "";
    }
};

TEST_F(configure, sets_every_option) {
    const options before = synk::current_options();
    EXPECT_TRUE(equal(before, options())) << "the defaults";
    options o;
    o.idle_limit = 12'345'678;
    o.weak_after = milliseconds(77);
    o.gone_after = milliseconds(7777);
    o.huge = huge_pages::off;
    o.keeper = false;
    o.trim_on_fork = true;
    o.zero_on_get = true;
    o.clear_on_put = true;
    EXPECT_EQ(refusal(o), "");
    o.huge = huge_pages::on;
    EXPECT_EQ(refusal(o), "");
}

TEST_F(configure, takes_the_ends_of_the_ranges) {
    options o;
    o.idle_limit = 0;
    o.weak_after = o.gone_after = milliseconds(4);
    EXPECT_EQ(refusal(o), "");
    o.idle_limit = std::size_t{1} << 46;
    o.weak_after = o.gone_after = day;
    EXPECT_EQ(refusal(o), "");
}

TEST_F(configure, refuses_what_lies_outside_and_names_it) {
    options o;
    o.idle_limit = (std::size_t{1} << 46) + 1;
    EXPECT_EQ(refusal(o), "synk: option idle_limit must lie between 0 and 2^46 bytes, not 70368744177665");
    o = {};
    o.weak_after = milliseconds(3);
    EXPECT_EQ(refusal(o), "synk: option weak_after must lie between 4 ms and 1 day, not 3 ms");
    o.weak_after = milliseconds::min();
    EXPECT_THAT(refusal(o), AllOf(HasSubstr("weak_after"), EndsWith(", not -9223372036854775808 ms")));
    o.weak_after = day + milliseconds(1);
    o.gone_after = o.weak_after;
    EXPECT_THAT(refusal(o), HasSubstr("weak_after"));
    o = {};
    o.gone_after = o.weak_after - milliseconds(1);
    EXPECT_EQ(refusal(o), "synk: option gone_after must lie between weak_after and 1 day, not 399 ms");
    o.gone_after = day + milliseconds(1);
    EXPECT_THAT(refusal(o), HasSubstr("gone_after"));
    o = {};
    o.huge = static_cast<huge_pages>(3);
    EXPECT_EQ(refusal(o), "synk: option huge must be automatic, on or off, not 3");
    o = {};
    o.guard_sample = 1'000'001;
    EXPECT_EQ(refusal(o), "synk: option guard_sample must lie between 0 and 1000000, not 1000001");
    o = {};
    o.quarantine = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(refusal(o), "synk: option quarantine must lie between 0 and 2^46 bytes, not 18446744073709551615");
}

TEST_F(configure, with_a_lower_limit_gives_back_what_lies_above_it) {
    {
        auto one = synk::get_sized_pool().get_sized(32U << 20);
        auto other = synk::get_sized_pool().get_sized(4U << 20);
    }
    EXPECT_EQ(synk::stats().idle, 36U << 20);
    options o;
    o.idle_limit = 8U << 20;
    synk::configure(o);
    EXPECT_LE(synk::stats().idle, 8U << 20);
    o.idle_limit = 0;
    synk::configure(o);
    EXPECT_EQ(synk::stats().idle, 0U);
    { auto b = synk::get_sized_pool().get_sized(1U << 20); }
    EXPECT_EQ(synk::stats().idle, 0U) << "0 keeps nothing";
}

// One variable for the time of a test; and what the library has to say about it.
class environment : public testing::Test {
protected:
    static options with(const char* name, const char* value) {
        ::setenv(name, value, 1);
        testing::internal::CaptureStderr();
        const options read = synk::detail::options_from_environment();
        words_ = testing::internal::GetCapturedStderr();
        ::unsetenv(name);
        return read;
    }
    static bool is_ignored(const char* name, const char* value, const char* why) {
        const options read = with(name, value);
        EXPECT_THAT(words_, AllOf(HasSubstr("synk: "), HasSubstr(std::string(name) + "=" + value), HasSubstr("ignored"),
                                  HasSubstr(why)));
        EXPECT_EQ(words_.find('\n'), words_.size() - 1) << "one line";
        return equal(read, options());
    }
    static inline std::string words_;
};

TEST_F(environment, without_variables_gives_the_defaults) {
    EXPECT_TRUE(equal(synk::detail::options_from_environment(), options()));
}

TEST_F(environment, sets_sizes) {
    EXPECT_EQ(with("SYNK_IDLE_LIMIT", "0").idle_limit, 0U);
    EXPECT_EQ(with("SYNK_IDLE_LIMIT", "4096").idle_limit, 4096U);
    EXPECT_EQ(with("SYNK_IDLE_LIMIT", "3K").idle_limit, 3U << 10);
    EXPECT_EQ(with("SYNK_IDLE_LIMIT", "256M").idle_limit, 256U << 20);
    EXPECT_EQ(with("SYNK_IDLE_LIMIT", "2G").idle_limit, std::size_t{2} << 30);
    EXPECT_EQ(words_, "");
}

TEST_F(environment, sets_times) {
    EXPECT_EQ(with("SYNK_WEAK_AFTER", "500ms").weak_after, milliseconds(500));
    EXPECT_EQ(with("SYNK_WEAK_AFTER", "2s").weak_after, milliseconds(2000));
    EXPECT_EQ(with("SYNK_GONE_AFTER", "1500ms").gone_after, milliseconds(1500));
    EXPECT_EQ(with("SYNK_GONE_AFTER", "60s").gone_after, milliseconds(60'000));
    EXPECT_EQ(words_, "");
}

TEST_F(environment, sets_both_times_whichever_is_read_first) {
    ::setenv("SYNK_GONE_AFTER", "40s", 1);
    EXPECT_EQ(with("SYNK_WEAK_AFTER", "20s").weak_after, milliseconds(20'000));
    EXPECT_EQ(words_, "");
    ::setenv("SYNK_GONE_AFTER", "40ms", 1);
    const options low = with("SYNK_WEAK_AFTER", "20ms");
    EXPECT_EQ(low.weak_after, milliseconds(20));
    EXPECT_EQ(low.gone_after, milliseconds(40));
    EXPECT_EQ(words_, "");
    ::unsetenv("SYNK_GONE_AFTER");
}

TEST_F(environment, sets_flags) {
    EXPECT_FALSE(with("SYNK_KEEPER", "off").keeper);
    EXPECT_TRUE(with("SYNK_KEEPER", "on").keeper);
    EXPECT_TRUE(with("SYNK_TRIM_ON_FORK", "on").trim_on_fork);
    EXPECT_TRUE(with("SYNK_ZERO_ON_GET", "on").zero_on_get);
    EXPECT_TRUE(with("SYNK_CLEAR_ON_PUT", "on").clear_on_put);
    EXPECT_EQ(with("SYNK_HUGE_PAGES", "on").huge, huge_pages::on);
    EXPECT_EQ(with("SYNK_HUGE_PAGES", "off").huge, huge_pages::off);
    EXPECT_EQ(with("SYNK_HUGE_PAGES", "automatic").huge, huge_pages::automatic);
    EXPECT_EQ(words_, "");
}

TEST_F(environment, ignores_what_cannot_be_read_with_one_line) {
    for (const char* const size : {"", "x", "-1", " 1", "1.5M", "1 M", "12Q", "1m", "0x10", "99999999999999999999Q"})
        EXPECT_TRUE(is_ignored("SYNK_IDLE_LIMIT", size, "a size is a number with K, M, G or nothing behind it"));
    for (const char* const time : {"", "5", "5m", "s", "-5s", "99999999999999999999"})
        EXPECT_TRUE(is_ignored("SYNK_WEAK_AFTER", time, "a time is a number with ms or s behind it"));
    for (const char* const flag : {"", "yes", "1", "ON"}) EXPECT_TRUE(is_ignored("SYNK_KEEPER", flag, "on or off"));
    EXPECT_TRUE(is_ignored("SYNK_GONE_AFTER", "never", "a time is a number"));
    EXPECT_TRUE(is_ignored("SYNK_HUGE_PAGES", "always", "automatic, on or off"));
}

TEST_F(environment, ignores_what_lies_outside_the_range_and_names_it) {
    for (const char* const size : {"65537G", "18014398509481985K", "99999999999999999999", "99999999999999999999G"})
        EXPECT_TRUE(is_ignored("SYNK_IDLE_LIMIT", size, "between 0 and 2^46 bytes"));
    EXPECT_TRUE(is_ignored("SYNK_WEAK_AFTER", "99999999999999999999s", "between 4 ms and 1 day"));
    EXPECT_TRUE(is_ignored("SYNK_GUARD_SAMPLE", "99999999999999999999", "between 0 and 1000000"));
    EXPECT_TRUE(is_ignored("SYNK_WEAK_AFTER", "3ms", "between 4 ms and 1 day"));
    EXPECT_TRUE(is_ignored("SYNK_WEAK_AFTER", "86401s", "between 4 ms and 1 day"));
    EXPECT_TRUE(is_ignored("SYNK_GONE_AFTER", "399ms", "between weak_after and 1 day"));
    EXPECT_TRUE(is_ignored("SYNK_GONE_AFTER", "86401s", "between weak_after and 1 day"));
}

} // namespace
