// Pointers that are not what the pool gave out: into the middle of a block, somebody else's, a handle's.
//
// ctest-variants: plain asan
#include <cstdint>
#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "chunks/address_map.hpp"
#include "support/child.hpp"
#include "support/no_ageing.hpp"
#include "support/units.hpp"

namespace {

using synk_test::dies_naming;
using synk_test::mib;

constexpr const char* foreign = "not a block of this pool";
constexpr const char* interior = "pass the start of the block";

// A number that is no object's address.
void* at_address(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

void* behind(void* p, std::size_t n) { return static_cast<std::byte*>(p) + n; }

// Every way in that takes a bare pointer says what is wrong with this one.
void expect_all_die(void* p, const char* what) {
    EXPECT_TRUE(dies_naming(p, what, [p] { synk_put(p); }));
    EXPECT_TRUE(dies_naming(p, what, [p] { static_cast<void>(synk_capacity(p)); }));
    EXPECT_TRUE(dies_naming(p, what, [p] { static_cast<void>(synk_resize(p, 100'000)); }));
    EXPECT_TRUE(dies_naming(p, what, [p] { synk::get_sized_pool().deallocate(p, 1); }));
    EXPECT_TRUE(dies_naming(p, what, [p] { static_cast<void>(synk::bytes::adopt(p)); }));
}

// In the block's first page, where its record is that of the block, and behind it.
TEST(InteriorPointer, OfABlockInAChunk) {
    constexpr std::size_t size = 900'000;
    void* const p = synk_get(size);
    for (const std::size_t n : {std::size_t{1}, std::size_t{100}, std::size_t{4095}, std::size_t{4096}, size - 1}) {
        expect_all_die(behind(p, n), interior);
        EXPECT_TRUE(
            dies_naming(behind(p, n), interior, [=] { synk::get_sized_pool().deallocate(behind(p, n), size); }));
    }
    synk_put(p);
}

TEST(InteriorPointer, OfALargeBlock) {
    constexpr std::size_t size = 9 * mib;
    void* const p = synk_get(size);
    for (const std::size_t n : {std::size_t{1}, std::size_t{4096}, 4 * mib, 4 * mib + 1, size - 1})
        expect_all_die(behind(p, n), interior);
    synk_put(p);
}

TEST(InteriorPointer, OfAnIdleBlock) {
    void* const p = synk_get(900'000);
    synk_put(p);
    EXPECT_TRUE(dies_naming(behind(p, 4096), interior, [=] { synk_put(behind(p, 4096)); }));
    synk::trim();
    EXPECT_TRUE(dies_naming(behind(p, 4096), "idle in the pool", [=] { synk_put(behind(p, 4096)); }));
}

TEST(ForeignPointer, IsToldFromOurs) {
    static_cast<void>(synk_get(5000)); // the pool is in use
    int on_stack = 0;
    static int in_data = 0;
    void* const on_heap = std::malloc(100);
    expect_all_die(&on_stack, foreign);
    expect_all_die(&in_data, foreign);
    expect_all_die(on_heap, foreign);
    std::free(on_heap);
}

TEST(ForeignPointer, OfAMapping) {
    void* const mapped = ::mmap(nullptr, 8 * mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(mapped, MAP_FAILED);
    expect_all_die(mapped, foreign);
    expect_all_die(behind(mapped, 4 * mib), foreign);
    ::munmap(mapped, 8 * mib);
}

TEST(ForeignPointer, ThatIsNoAddressAtAll) {
    for (const std::uintptr_t address :
         {std::uintptr_t{1}, std::uintptr_t{4096}, (std::uintptr_t{1} << 47) - 4096, std::uintptr_t{1} << 48,
          (std::uintptr_t{1} << 48) + 4096, std::uintptr_t{1} << 63, ~std::uintptr_t{0}})
        expect_all_die(at_address(address), foreign);
}

// The first place below or above (by `step`) that is not the pool's.
std::byte* next_foreign_place(void* p, std::ptrdiff_t step) {
    auto* place = reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(p) & ~(4 * mib - 1));
    while (synk::detail::places.find(place).as_chunk() != nullptr) place += step;
    return place;
}

TEST(ForeignPointer, OneByteOutsideOfAChunk) {
    void* const p = synk_get(5000);
    constexpr auto chunk = static_cast<std::ptrdiff_t>(4 * mib);
    expect_all_die(next_foreign_place(p, chunk), foreign);
    expect_all_die(next_foreign_place(p, -chunk) + chunk - 1, foreign);
    synk_put(p);
}

TEST(ForeignPointer, BehindTheEndOfALargeBlock) {
    void* const p = synk_get(4 * mib + 1); // its last 4 MiB are not all its own
    const std::size_t capacity = synk_capacity(p);
    ASSERT_NE(capacity % (4 * mib), 0U);
    expect_all_die(behind(p, capacity), foreign);
    expect_all_die(behind(p, 8 * mib - 1), foreign);
    synk_put(p);
}

TEST(ForeignPointer, BeforeTheFirstUseOfThePool) {
    int on_stack = 0;
    expect_all_die(&on_stack, foreign);
}

TEST(WrongSize, IsFoundByDeallocate) {
    auto& pool = synk::get_sized_pool();
    for (const std::size_t n : {std::size_t{4096}, std::size_t{70'000}, 9 * mib}) {
        void* const p = pool.allocate(n);
        const std::size_t capacity = synk_capacity(p);
        EXPECT_TRUE(dies_naming(p, "the block has only", [&] { pool.deallocate(p, capacity + 1); }));
        EXPECT_TRUE(dies_naming(p, "the block has only", [&] { pool.deallocate(p, ~std::size_t{0}); }));
        pool.deallocate(p, capacity);
    }
}

TEST(Adopt, RefusesWhatAHandleOwns) {
    for (const std::size_t n : {std::size_t{4096}, std::size_t{70'000}, 9 * mib}) {
        auto owner = synk::get_sized_pool().get_sized(n);
        std::byte* const p = owner.data();
        EXPECT_TRUE(dies_naming(p, "a handle owns it", [p] { static_cast<void>(synk::bytes::adopt(p)); }));
    }
}

TEST(Adopt, TakesWhatAHandleReleasedOnce) {
    auto owner = synk::get_sized_pool().get_sized(70'000);
    std::byte* const p = owner.release();
    const auto next = synk::bytes::adopt(p);
    EXPECT_EQ(next.data(), p);
    EXPECT_TRUE(dies_naming(p, "a handle owns it", [p] { static_cast<void>(synk::bytes::adopt(p)); }));
}

} // namespace
