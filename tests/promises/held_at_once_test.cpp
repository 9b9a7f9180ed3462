// Who holds many buffers at once and puts them finds them in its own cache the next time.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

std::uint64_t gets_past_the_caches() {
    std::uint64_t sum = 0;
    for (const auto& tier : synk::stats().tiers) sum += tier.channel_hits + tier.chunk_hits + tier.misses;
    return sum;
}

void hold(std::size_t count, std::size_t size) {
    std::vector<synk::bytes> held;
    held.reserve(count);
    while (held.size() < count) held.push_back(synk::get_sized_pool().get_sized(size));
}

struct burst {
    std::size_t count, size;
};
class HeldAtOnce : public fresh_pool, public testing::WithParamInterface<burst> {};

TEST_P(HeldAtOnce, IsFoundInTheOwnCacheTheNextTime) {
    const auto [count, size] = GetParam();
    synk::configure(quiet_with_limit(128 * mib));
    for (int i = 0; i < 3; ++i) hold(count, size);
    const auto before = gets_past_the_caches();
    hold(count, size);
    EXPECT_EQ(gets_past_the_caches(), before);
}

INSTANTIATE_TEST_SUITE_P(Bursts, HeldAtOnce,
                         testing::Values(burst{16, 4 * kib}, burst{256, 4 * kib}, burst{256, 32 * kib},
                                         burst{240, 256 * kib}, burst{60, mib}, burst{15, 4 * mib}),
                         [](const auto& which) {
                             return std::to_string(which.param.count) + "x" + std::to_string(which.param.size / kib);
                         });

class HeldByMany : public fresh_pool {};

// Or what one thread keeps would be missing to the others.
TEST_F(HeldByMany, IsLeftToAllWhereHalfOfWhatMayBeIdleIs) {
    constexpr std::size_t limit = 64 * mib;
    synk::configure(quiet_with_limit(limit));
    std::vector<synk::bytes> held;
    while (lent() < 24 * mib) held.push_back(synk::get_sized_pool().get_sized(256 * kib));
    worker other;
    other.run([] { hold(36, mib); }); // and it lies in that thread's cache
    ASSERT_GT(synk::stats().idle_cached, limit / 2);
    const std::size_t of_the_other = synk::stats().idle_cached;
    held.clear();
    EXPECT_LE(synk::stats().idle_cached, of_the_other + 4 * mib);
}

} // namespace
