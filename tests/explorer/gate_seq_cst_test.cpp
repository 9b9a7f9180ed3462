// The cache's gate in the form that needs no membarrier.
//
// Renamed, so that it is not the class of the same name in the library, which has the other form.
#undef SYNK_TSAN
#define SYNK_TSAN 1
#define v1 v1_seq_cst
#include <synk/detail/gate.hpp>

#include <gtest/gtest.h>

#include "explorer/gate_worlds.hpp"

namespace {

using namespace synk_explorer;
using synk::v1_seq_cst::detail::cache_gate;

struct no_barrier {
    void operator()() const noexcept {}
};

template <template <class, class> class World>
program world(const char* name) {
    return program_of<World<cache_gate, no_barrier>>(name);
}

const std::vector<program> worlds{world<gate_fast>("gate_seq_cst"),
                                  world<gate_handler>("gate_seq_cst_handler"),
                                  world<gate_slow>("gate_seq_cst_slow"),
                                  world<gate_wish>("gate_seq_cst_wish"),
                                  world<gate_slow_only>("gate_seq_cst_slow_only"),
                                  world<gate_slow_only_ends>("gate_seq_cst_slow_only_ends"),
                                  world<gate_alone>("gate_seq_cst_alone")};

TEST(GateSeqCst, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 2}), "");
}

TEST(GateSeqCst, MutantsAreFound) { EXPECT_EQ(survivors(worlds, "synk/detail/gate.hpp", seen_elsewhere), ""); }

} // namespace
