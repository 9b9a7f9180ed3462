// The keeper's work and memory pressure, as a C program asks for them.
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

} // namespace
