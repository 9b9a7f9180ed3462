// The keeper's work, memory pressure and options, as a C program asks for them.
#include <cerrno>
#include <chrono>
#include <cstddef>

#include <gtest/gtest.h>

#include <synk/synk.h>

#include "reclaim/idle_pool.hpp"

namespace {

using namespace synk_test;

class c_interface : public idle_pool {};

TEST_F(c_interface, maintain_walks_the_ladder) {
    put(get(mib));
    std::size_t went = 0;
    EXPECT_EQ(synk_maintain(), 0U) << "it is not due";
    for (int visits = 0; visits < 40; ++visits) {
        watched_system::pass(without_keeper().weak_after / 4);
        went += synk_maintain();
    }
    EXPECT_EQ(went, mib);
    EXPECT_EQ(synk::stats().idle, 0U);
}

TEST_F(c_interface, on_pressure_gives_all_back) {
    EXPECT_EQ(synk_pressure_fd(), synk::pressure_fd());
    put(get(mib));
    EXPECT_EQ(synk_on_pressure(), mib);
    EXPECT_EQ(synk::stats().idle, 0U);
}

TEST_F(c_interface, configure_sets_every_option_by_its_variable) {
    constexpr const char* settings[][2] = {
        {"SYNK_IDLE_LIMIT", "3M"}, {"SYNK_GONE_AFTER", "30s"},  {"SYNK_WEAK_AFTER", "20s"}, {"SYNK_HUGE_PAGES", "off"},
        {"SYNK_KEEPER", "off"},    {"SYNK_TRIM_ON_FORK", "on"}, {"SYNK_ZERO_ON_GET", "on"}, {"SYNK_CLEAR_ON_PUT", "on"},
        {"SYNK_HARDENED", "on"},   {"SYNK_GUARD_SAMPLE", "70"}, {"SYNK_QUARANTINE", "64K"}};
    synk::options wanted;
    wanted.idle_limit = 3 * mib;
    wanted.weak_after = std::chrono::seconds(20);
    wanted.gone_after = std::chrono::seconds(30);
    wanted.huge = synk::huge_pages::off;
    wanted.keeper = false;
    wanted.trim_on_fork = wanted.zero_on_get = wanted.clear_on_put = wanted.hardened = true;
    wanted.guard_sample = 70;
    wanted.quarantine = 64 * kib;
    synk::configure({.keeper = false});
    for (const auto& [name, value] : settings) EXPECT_EQ(synk_configure(name, value), 0) << name;
    EXPECT_EQ(synk::current_options(), wanted);
}

TEST_F(c_interface, configure_gives_back_what_may_not_lie_idle_any_more) {
    put(get(mib));
    EXPECT_EQ(synk_configure("SYNK_IDLE_LIMIT", "1M"), 0);
    EXPECT_EQ(synk::stats().idle, mib);
    EXPECT_EQ(synk_configure("SYNK_IDLE_LIMIT", "0"), 0);
    EXPECT_EQ(synk::stats().idle, 0U);
}

TEST_F(c_interface, configure_refuses_what_is_no_option_or_no_value_of_it) {
    constexpr const char* refused[][2] = {{"SYNK_IDLE_LIMIT", "much"},
                                          {"SYNK_IDLE_LIMIT", "65537G"},
                                          {"SYNK_IDLE_LIMIT", ""},
                                          {"SYNK_WEAK_AFTER", "86401s"},
                                          {"SYNK_KEEPER", "yes"},
                                          {"SYNK_IDLE_LIMI", "3M"},
                                          {"IDLE_LIMIT", "3M"},
                                          {"idle_limit", "3M"},
                                          {"", "3M"},
                                          {"MEMORY_PRESSURE_WATCH", "/x"},
                                          {nullptr, "3M"},
                                          {"SYNK_IDLE_LIMIT", nullptr}};
    const synk::options before = synk::current_options();
    for (const auto& [name, value] : refused) {
        errno = 0;
        testing::internal::CaptureStderr();
        EXPECT_EQ(synk_configure(name, value), -1);
        EXPECT_EQ(errno, EINVAL);
        EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "errno says it";
        EXPECT_EQ(synk::current_options(), before);
    }
}

} // namespace
