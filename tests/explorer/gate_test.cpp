// The cache's gate as users get it: the owner's way in is plain stores and loads, the others call membarrier.
#include <synk/detail/gate.hpp>

#include <gtest/gtest.h>

#include "explorer/gate_worlds.hpp"

namespace {

using namespace synk_explorer;
using synk::detail::cache_gate;

struct with_membarrier {
    bool operator()() const noexcept { return membarrier(); }
};
struct without {
    void operator()() const noexcept {}
};

template <template <class, class> class World, class Barrier = with_membarrier>
program world(const char* name) {
    return program_of<World<cache_gate, Barrier>>(name);
}

const std::vector<program> worlds{world<gate_fast>("gate"),
                                  world<gate_pair>("gate_pair"),
                                  world<gate_handler>("gate_handler"),
                                  world<gate_slow, without>("gate_slow"),
                                  world<gate_wish>("gate_wish"),
                                  world<gate_slow_only, without>("gate_slow_only"),
                                  world<gate_slow_only_ends, without>("gate_slow_only_ends"),
                                  world<gate_alone>("gate_alone")};

TEST(Gate, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 2}), "");
}

TEST(Gate, MutantsAreFound) { EXPECT_EQ(survivors(worlds, "synk/detail/gate.hpp", seen_elsewhere), ""); }

// The barrier that the others call is a site of its own.
TEST(Gate, NeedsTheMembarrier) { EXPECT_EQ(survivors(worlds, "explorer/gate_test.cpp", {}), ""); }

} // namespace
