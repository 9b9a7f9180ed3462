// What a thread finds when others have filled the budget of idle memory and rest: room, and resident pages.
#include <cstddef>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class FullBudget : public fresh_pool {
protected:
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    static std::uint64_t cache_hits() {
        std::uint64_t sum = 0;
        for (const auto& tier : synk::stats().tiers) sum += tier.cache_hits;
        return sum;
    }
};

// Each of them may reserve half of it.
TEST_F(FullBudget, OfThreadsThatRestLeavesRoomForOneThatRuns) {
    synk::configure(quiet_with_limit(32 * mib));
    worker resting[2];
    std::vector<synk::bytes> held[2];
    for (std::size_t i = 0; i < 2; ++i)
        resting[i].run([&part = held[i]] {
            for (int k = 0; k < 8; ++k) part.push_back(get(2 * mib));
        });
    for (std::size_t i = 0; i < 2; ++i) resting[i].run([&part = held[i]] { part.clear(); });
    ASSERT_EQ(synk::stats().idle_cached, 32 * mib);

    const std::vector<std::size_t> sizes{8 * kib, 100 * kib, 700 * kib, 1 * mib, 3 * mib};
    for (int round = 0; round < 20; ++round)
        for (const std::size_t n : sizes) static_cast<void>(get(n));
    const std::uint64_t hits = cache_hits();
    const std::uint64_t dropped = synk::stats().dropped;
    for (int round = 0; round < 100; ++round)
        for (const std::size_t n : sizes) static_cast<void>(get(n));
    EXPECT_EQ(synk::stats().dropped, dropped);
    EXPECT_EQ(cache_hits() - hits, 100 * sizes.size());
    EXPECT_LE(synk::stats().idle, 32 * mib);
}

// As the kernel's page faults show, new ones cost more than all the rest.
TEST_F(FullBudget, ResidentPagesAreLentBeforeOthers) {
    synk::bytes held[16];
    for (auto& b : held) b = get(512 * kib); // two chunks
    std::byte* const cold = held[1].data();
    std::byte* const warm = held[13].data();
    held[1].reset();
    synk::trim();
    ASSERT_EQ(synk::stats().idle, 0U);
    std::thread([&held] { held[13].reset(); }).join(); // its cache goes to the channel when it ends
    inside::shared_store::empty_channels();
    ASSERT_EQ(synk::stats().idle_chunk, 512 * kib);
    const synk::bytes next = get(512 * kib);
    EXPECT_EQ(next.data(), warm) << "and not " << static_cast<const void*>(cold);
    EXPECT_EQ(synk::stats().idle, 0U);
}

} // namespace
