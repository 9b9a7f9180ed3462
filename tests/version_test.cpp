// <synk/version.hpp>: what it says is what the build says.
//
// ctest-variants: plain asan
#include <synk/version.hpp>

#include <string>

#include <gtest/gtest.h>

namespace {

TEST(Version, StringSaysWhatTheNumbersSay) {
    EXPECT_EQ(SYNK_VERSION_STRING, std::to_string(SYNK_VERSION_MAJOR) + "." + std::to_string(SYNK_VERSION_MINOR) + "." +
                                       std::to_string(SYNK_VERSION_PATCH));
}

} // namespace
