// Handles that are not the pool's, or no longer: copied as bytes, or of another copy of the library in this process. It
// may come out late, when the blocks leave the caches, and must not be taken for a write into the pool's own memory.
//
// ctest-variants: plain asan
#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "support/child.hpp"
#include "support/no_ageing.hpp"
#include "support/units.hpp"

namespace {

using synk_test::dies_naming;
using synk_test::mib;
namespace inside = synk::detail;

constexpr std::size_t kinds_of_length[] = {1, 5000, 900'000, 4 * mib, 9 * mib, 100 * mib};
constexpr const char* copied = "put a second time, by the copy of a handle: move handles, never copy their bytes";
constexpr const char* of_another_copy = "another copy of synk in this process";

// A handle that was copied with memcpy.
class copy_of {
public:
    explicit copy_of(const synk::bytes& b) { std::memcpy(bytes_, static_cast<const void*>(&b), sizeof(bytes_)); }
    [[nodiscard]] synk::bytes& handle() { return *std::launder(reinterpret_cast<synk::bytes*>(bytes_)); }

private:
    alignas(synk::bytes) std::byte bytes_[sizeof(synk::bytes)];
};

TEST(CopiedHandle, IsFoundWhenBothHaveLeftTheCache) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{5000}, std::size_t{900'000}}) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        EXPECT_TRUE(dies_naming(b.data(), copied, [&b] {
            copy_of copy(b);
            b.reset();
            copy.handle().reset();
            synk::trim();
        })) << n;
    }
}

TEST(CopiedHandle, IsFoundWhenTheFirstOnesPagesAreFree) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{5000}, std::size_t{900'000}}) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        EXPECT_TRUE(dies_naming(b.data(), copied, [&b] {
            copy_of copy(b);
            b.reset();
            synk::trim();
            copy.handle().reset();
            synk::trim();
        })) << n;
    }
}

TEST(CopiedHandle, IsFoundWhereALongerBlockLiesNow) {
    std::vector<synk::bytes> pieces;
    for (int i = 0; i < 64; ++i) pieces.push_back(synk::get_sized_pool().get_sized(4096));
    std::vector<copy_of> copies(pieces.begin(), pieces.end());
    pieces.clear();
    synk::trim();
    auto over = synk::get_sized_pool().get_sized(4 * mib); // the whole chunk of some of them
    const auto inside_of_it = [&over](copy_of& copy) {
        return copy.handle().data() > over.data() && copy.handle().data() < over.end();
    };
    const auto piece = std::find_if(copies.begin(), copies.end(), inside_of_it);
    ASSERT_NE(piece, copies.end()) << "none of the pieces was used again";
    EXPECT_TRUE(dies_naming(piece->handle().data(), copied, [piece] {
        piece->handle().reset();
        synk::trim();
    }));
}

TEST(CopiedHandle, OfALargeBlockIsFound) {
    for (const std::size_t n : {9 * mib, 100 * mib, 300 * mib}) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        EXPECT_TRUE(dies_naming(b.data(), "put a second time", [&b] {
            copy_of copy(b);
            b.reset();
            copy.handle().reset();
            synk::trim();
        })) << n;
    }
}

// Too large for any cache: the first one lies on the shelf.
TEST(CopiedHandle, IsFoundAtOnceOnTheShelf) {
    synk::options o = synk::current_options();
    o.idle_limit = 8192 * mib;
    synk::configure(o);
    synk::bytes b = synk::get_sized_pool().try_get_sized(3072 * mib);
    if (b.data() == nullptr) GTEST_SKIP() << "needs 3 GiB of addresses";
    EXPECT_TRUE(dies_naming(b.data(), copied, [&b] {
        copy_of copy(b);
        b.reset();
        copy.handle().reset();
    }));
}

TEST(CopiedHandle, IsFoundWhenBothAreReleased) {
    synk::bytes b = synk::get_sized_pool().get_sized(5000);
    EXPECT_TRUE(dies_naming(b.data(), copied, [&b] {
        copy_of copy(b);
        static_cast<void>(b.release());
        static_cast<void>(copy.handle().release());
    }));
}

// What another copy of the library has lent is memory like any other to this one.
TEST(HandleOfAnotherCopy, IsFoundWhenItLeavesTheCache) {
    for (const std::size_t n : kinds_of_length) {
        const std::size_t capacity = synk::get_sized_pool().get_sized(n).capacity();
        std::vector<std::byte> theirs(capacity + 8 * mib);
        void* at = theirs.data();
        std::size_t room = theirs.size();
        auto* const data = static_cast<std::byte*>(std::align(4 * mib, capacity, at, room));
        EXPECT_TRUE(dies_naming(data, of_another_copy, [=] {
            inside::put(inside::held_block(inside::block{data, capacity}));
            synk::trim();
        })) << n;
    }
}

TEST(HandleOfAnotherCopy, IsFoundWhenItIsReleased) {
    alignas(4096) static std::byte theirs[4096];
    EXPECT_TRUE(dies_naming(theirs, of_another_copy, [] {
        inside::put(inside::held_block(inside::block{theirs, sizeof(theirs)}));
        static_cast<void>(synk_get(4096));
    }));
}

} // namespace
