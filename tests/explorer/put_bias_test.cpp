// The bias as users get it: the owner's way is plain stores and loads, the others call membarrier.
#include <synk/detail/put_bias.hpp>

#include <gtest/gtest.h>

#include "explorer/put_bias_worlds.hpp"

namespace {

using namespace synk_explorer;

struct with_membarrier {
    bool operator()() const noexcept { return membarrier(); }
};

template <template <class, class, class> class World>
program world(const char* name) {
    return program_of<World<synk::detail::cache_gate, synk::detail::put_bias, with_membarrier>>(name);
}

const std::vector<program> worlds{world<bias_contested>("bias"),
                                  world<bias_settled>("bias_settled"),
                                  world<bias_taken_back>("bias_taken_back"),
                                  world<bias_taken_back_between>("bias_taken_back_between"),
                                  world<bias_taken_back_inside>("bias_taken_back_inside"),
                                  world<bias_stays_withdrawn>("bias_stays_withdrawn"),
                                  world<bias_alone>("bias_alone")};

TEST(PutBias, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 2}), "");
}

TEST(PutBias, MutantsAreFound) {
    constexpr auto barrier = "equivalent: the membarrier that follows orders it, the other form needs this";
    const std::vector<equivalent> listed{{"!word_.compare_exchange_weak(seen, withdrawn(seen)", "acq_rel", barrier},
                                         {"!word_.compare_exchange_weak(seen, withdrawn(seen)", "relaxed", barrier}};
    EXPECT_EQ(survivors(worlds, "synk/detail/put_bias.hpp", listed), "");
}

// The barrier that the others call is a site of its own.
TEST(PutBias, NeedsTheMembarrier) { EXPECT_EQ(survivors(worlds, "explorer/put_bias_test.cpp", {}), ""); }

// What the gate does for it.
TEST(PutBias, NeedsTheGate) {
    const std::vector<equivalent> listed{
        {"state_.load(memory_order_acquire) == open_", "relaxed", "not seen here: nobody closes the gate"},
        {"= inside_.load(memory_order_seq_cst)", "acquire", "equivalent: the membarrier before it orders it"}};
    EXPECT_EQ(survivors(worlds, "synk/detail/gate.hpp", listed), "");
}

} // namespace
