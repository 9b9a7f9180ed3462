// The bias beside the gate in the form that needs no membarrier.
//
// Renamed, so that they are not the classes of the same names in the library, whose gate has the other form.
#undef SYNK_TSAN
#define SYNK_TSAN 1
#define v1 v1_seq_cst
#include <synk/detail/put_bias.hpp>

#include <gtest/gtest.h>

#include "explorer/put_bias_worlds.hpp"

namespace {

using namespace synk_explorer;

struct no_barrier {
    bool operator()() const noexcept { return true; }
};

template <template <class, class, class> class World>
program world(const char* name) {
    return program_of<World<synk::v1_seq_cst::detail::cache_gate, synk::v1_seq_cst::detail::put_bias, no_barrier>>(
        name);
}

const std::vector<program> worlds{world<bias_contested>("bias_seq_cst"),
                                  world<bias_settled>("bias_seq_cst_settled"),
                                  world<bias_taken_back>("bias_seq_cst_taken_back"),
                                  world<bias_taken_back_between>("bias_seq_cst_taken_back_between"),
                                  world<bias_taken_back_inside>("bias_seq_cst_taken_back_inside"),
                                  world<bias_stays_withdrawn>("bias_seq_cst_stays_withdrawn"),
                                  world<bias_alone>("bias_seq_cst_alone")};

TEST(PutBiasSeqCst, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 2}), "");
}

TEST(PutBiasSeqCst, MutantsAreFound) { EXPECT_EQ(survivors(worlds, "synk/detail/put_bias.hpp", {}), ""); }

// What the gate does for it.
TEST(PutBiasSeqCst, NeedsTheGate) {
    constexpr auto open = "not seen here: nobody closes the gate";
    const std::vector<equivalent> listed{{"state_.load(memory_order_seq_cst) == open_", "acquire", open},
                                         {"state_.load(memory_order_seq_cst) == open_", "relaxed", open}};
    EXPECT_EQ(survivors(worlds, "synk/detail/gate.hpp", listed), "");
}

} // namespace
