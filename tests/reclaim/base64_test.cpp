// What MEMORY_PRESSURE_WRITE may hold (RFC 4648, its test vectors in section 10).
//
// ctest-variants: plain asan

#include "reclaim/base64.hpp"

#include <string>

#include <gtest/gtest.h>

namespace {

std::string decoded(const char* text, std::size_t room = 64) {
    std::string out(room, '?');
    out.resize(synk::detail::decode_base64(text, out.data(), room));
    return out;
}

TEST(base64, decodes_the_vectors_of_the_standard) {
    EXPECT_EQ(decoded(""), "");
    EXPECT_EQ(decoded("Zg=="), "f");
    EXPECT_EQ(decoded("Zm8="), "fo");
    EXPECT_EQ(decoded("Zm9v"), "foo");
    EXPECT_EQ(decoded("Zm9vYg=="), "foob");
    EXPECT_EQ(decoded("Zm9vYmE="), "fooba");
    EXPECT_EQ(decoded("Zm9vYmFy"), "foobar");
}

TEST(base64, decodes_every_byte) {
    EXPECT_EQ(decoded("AP+A/w=="), std::string("\x00\xff\x80\xff", 4));
    EXPECT_EQ(decoded("c29tZSAxNTAwMDAgMjAwMDAwMAA="), std::string("some 150000 2000000", 20)) << "a usual trigger";
}

TEST(base64, without_padding_is_read_too) { EXPECT_EQ(decoded("Zm9vYg"), "foob"); }

TEST(base64, refuses_what_is_none) {
    for (const char* const text : {"Zm9v!", "Zm 9v", "Zm9v\n", "-_-_", "\x80\x80\x80\x80"})
        EXPECT_EQ(decoded(text), "");
}

TEST(base64, refuses_what_does_not_fit) {
    EXPECT_EQ(decoded("Zm9vYmFy", 6), "foobar");
    EXPECT_EQ(decoded("Zm9vYmFy", 5), "");
}

} // namespace
