// Hardened mode by the environment alone.
// ctest-environment: SYNK_HARDENED=on SYNK_GUARD_SAMPLE=1 SYNK_QUARANTINE=2M

#include <cstdlib>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "chunks/address_map.hpp"

namespace {

// Before main(), and perhaps before the library's own initialisers.
const synk::options at_start = synk::current_options();

TEST(HardenedEnvironment, IsInForceFromTheFirstGetOn) {
    if (std::getenv("SYNK_HARDENED") == nullptr) GTEST_SKIP() << "run by ctest, which sets the environment";
    EXPECT_TRUE(at_start.hardened);
    EXPECT_EQ(at_start.guard_sample, 1U);
    EXPECT_EQ(at_start.quarantine, 2U << 20);
    const synk::bytes b = synk::get_sized_pool().get_sized(5000);
    EXPECT_NE(synk::detail::places.find(b.data()).as_guarded(), nullptr);
}

} // namespace
