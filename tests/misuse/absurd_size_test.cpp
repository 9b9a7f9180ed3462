// Sizes that no buffer could have: an error that names the size and the limit, and the pool goes on.
//
// ctest-variants: plain asan
#include <cerrno>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

namespace {

using testing::HasSubstr;

constexpr std::size_t limit = std::size_t{1} << 46;

class AbsurdSize : public testing::TestWithParam<std::size_t> {
protected:
    void TearDown() override {
        EXPECT_EQ(synk::stats().lent, lent_before_);
        EXPECT_EQ(synk::get_sized_pool().get_sized(5000).size(), 5000U);
    }

    // The work throws std::length_error with a message that names the size and the limit.
    template <class Work>
    static void expect_length_error(Work work) {
        try {
            work();
            FAIL() << "nothing was thrown";
        } catch (const std::length_error& error) {
            EXPECT_THAT(error.what(), HasSubstr("synk: "));
            EXPECT_THAT(error.what(), HasSubstr(std::to_string(GetParam())));
            EXPECT_THAT(error.what(), HasSubstr(std::to_string(limit)));
        }
    }

    synk::sized_pool& sized = synk::get_sized_pool();
    synk::unsized_pool& unsized = synk::get_unsized_pool();

private:
    std::size_t lent_before_ = synk::stats().lent;
};

TEST_P(AbsurdSize, IsALengthErrorOfEveryGet) {
    expect_length_error([&] { static_cast<void>(sized.get_sized(GetParam())); });
    expect_length_error([&] { static_cast<void>(sized.get_sized_buffer(GetParam())); });
    expect_length_error([&] { static_cast<void>(sized.allocate(GetParam())); });
    expect_length_error([&] { static_cast<void>(unsized.get_at_least(GetParam())); });
    expect_length_error([&] { static_cast<void>(unsized.get_buffer_at_least(GetParam())); });
}

TEST_P(AbsurdSize, IsAnEmptyHandleOfATry) { EXPECT_FALSE(sized.try_get_sized(GetParam())); }

TEST_P(AbsurdSize, IsEoverflowInC) {
    errno = 0;
    EXPECT_EQ(synk_get(GetParam()), nullptr);
    EXPECT_EQ(errno, EOVERFLOW);
    errno = 0;
    EXPECT_EQ(synk_get_zeroed(GetParam()), nullptr);
    EXPECT_EQ(errno, EOVERFLOW);
}

TEST_P(AbsurdSize, LeavesTheHandleThatWasToGrow) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{5000}, std::size_t{9} << 20}) {
        auto handle = sized.get_sized(n);
        const std::byte* const data = handle.data();
        for (std::byte& b : handle) b = std::byte{7};
        expect_length_error([&] { handle.reserve(GetParam()); });
        expect_length_error([&] { handle.resize(GetParam()); });
        EXPECT_EQ(handle.data(), data);
        EXPECT_EQ(handle.size(), n);
        for (const std::byte b : handle) ASSERT_EQ(b, std::byte{7});
    }
}

TEST_P(AbsurdSize, LeavesTheBlockThatWasToBeResized) {
    for (const std::size_t n : {std::size_t{5000}, std::size_t{9} << 20}) {
        auto* const p = static_cast<char*>(synk_get(n));
        p[n - 1] = 'x';
        errno = 0;
        EXPECT_EQ(synk_resize(p, GetParam()), nullptr);
        EXPECT_EQ(errno, EOVERFLOW);
        EXPECT_EQ(p[n - 1], 'x');
        synk_put(p);
    }
}

constexpr std::size_t max = ~std::size_t{0};
INSTANTIATE_TEST_SUITE_P(Sizes, AbsurdSize,
                         testing::Values(limit + 1, std::size_t{1} << 47, std::size_t{1} << 62, std::size_t{1} << 63,
                                         max - 4096, max - 4095, max - 1, max));

} // namespace
