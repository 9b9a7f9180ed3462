// A bare pointer that is put a second time, wherever its block has gone meanwhile.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "support/child.hpp"
#include "support/no_ageing.hpp"

namespace {

using synk_test::dies_naming;

constexpr std::size_t chunk_sizes[] = {1, 5000, 70'000, 900'000, std::size_t{4} << 20};
constexpr const char* second_put = "put a second time";

auto putting(void* p) {
    return [p] { synk_put(p); };
}

TEST(SecondPut, IsFoundAtOnce) {
    for (const std::size_t n : chunk_sizes) {
        void* const p = synk_get(n);
        synk_put(p);
        EXPECT_TRUE(dies_naming(p, second_put, putting(p)));
    }
}

TEST(SecondPut, IsFoundByDeallocate) {
    void* const p = synk::get_sized_pool().allocate(5000);
    synk::get_sized_pool().deallocate(p, 5000);
    EXPECT_TRUE(dies_naming(p, second_put, [p] { synk::get_sized_pool().deallocate(p, 5000); }));
}

TEST(SecondPut, IsFoundAfterOtherGets) {
    void* const p = synk_get(5000);
    void* const behind = synk_get(5000);
    synk_put(p);
    synk_put(behind); // lies above p in the cache, and is got first
    std::vector<synk::bytes> others;
    for (const std::size_t n : {std::size_t{100}, std::size_t{5000}, std::size_t{70'000}, std::size_t{6'000'000}})
        others.push_back(synk::get_sized_pool().get_sized(n));
    EXPECT_TRUE(dies_naming(p, second_put, putting(p)));
}

TEST(SecondPut, IsFoundFromAnotherThread) {
    void* const p = synk_get(5000);
    std::thread(putting(p)).join();
    EXPECT_TRUE(dies_naming(p, second_put, putting(p)));
    void* const q = synk_get(70'000);
    synk_put(q);
    EXPECT_TRUE(dies_naming(q, second_put, [q] { std::thread(putting(q)).join(); }));
}

template <class Put>
void in_two_threads(Put put) {
    std::atomic<int> ready{0};
    const auto together = [put, &ready] {
        ready.fetch_add(1);
        for (unsigned looks = 0; ready.load() != 2; ++looks)
            if (looks > 10'000) std::this_thread::yield(); // the other has no processor
        put();
    };
    std::jthread other(together);
    together();
}

// As near to each other as two processors can bring them: of each two one is too late, and now and then both. In the
// child of a fork the first write to the block's record takes a page fault, which is when the other one comes.
TEST(SecondPut, IsFoundOfTwoThreadsAtOnce) {
    constexpr int rounds = 200;
    void* const p = synk_get(5000);
    for (int round = 0; round < rounds; ++round) {
        ASSERT_TRUE(dies_naming(
            p, second_put, [p] { in_two_threads(putting(p)); }, 2))
            << "round " << round;
        ASSERT_TRUE(dies_naming(
            p, second_put, [p] { in_two_threads([p] { synk::get_sized_pool().deallocate(p, 5000); }); }, 2))
            << "round " << round;
    }
    synk_put(p);
}

TEST(SecondPut, IsFoundInTheChannel) {
    void* p = nullptr;
    std::thread([&p] {
        p = synk_get(5000);
        synk_put(p);
    }).join(); // its cache goes to the channel
    ASSERT_NE(synk::stats().tiers[1].in_channel, 0U);
    EXPECT_TRUE(dies_naming(p, second_put, putting(p)));
}

TEST(SecondPut, IsFoundInFreePages) {
    for (const std::size_t n : chunk_sizes) {
        void* const p = synk_get(n);
        synk_put(p);
        synk::trim();
        EXPECT_TRUE(dies_naming(p, second_put, putting(p)));
    }
}

TEST(SecondPut, IsFoundWhereALongerBlockLiesNow) {
    std::vector<void*> pieces;
    for (int i = 0; i < 64; ++i) pieces.push_back(synk_get(4096));
    for (void* const piece : pieces) synk_put(piece);
    synk::trim();
    auto over = synk::get_sized_pool().get_sized(std::size_t{4} << 20); // the whole chunk of some of them
    const auto inside = [&over](void* piece) { return piece > over.data() && piece < over.end(); };
    const auto piece = std::find_if(pieces.begin(), pieces.end(), inside);
    ASSERT_NE(piece, pieces.end()) << "none of the pieces was used again";
    EXPECT_TRUE(dies_naming(*piece, "pass the start of the block", putting(*piece)));
}

TEST(SecondPut, IsFoundWhenAHandleHasTheBlock) {
    void* const p = synk_get(5000);
    synk_put(p);
    auto handle = synk::get_sized_pool().get_sized(5000);
    ASSERT_EQ(handle.data(), p) << "what was put last is got first";
    EXPECT_TRUE(dies_naming(p, "a handle owns it", putting(p)));
}

TEST(SecondPut, IsFoundOfALargeBlock) {
    for (const std::size_t n : {std::size_t{5} << 20, std::size_t{40} << 20, std::size_t{100} << 20}) {
        void* const p = synk_get(n);
        synk_put(p);
        EXPECT_TRUE(dies_naming(p, second_put, putting(p)));
        synk::trim();
        EXPECT_TRUE(dies_naming(p, "went back to the system", putting(p)));
    }
}

TEST(SecondPut, IsFoundOfABlockThatNoCacheTakes) {
    void* const p = synk_get(std::size_t{3} << 30);
    if (p == nullptr) GTEST_SKIP() << "needs 3 GiB of addresses";
    synk_put(p);
    EXPECT_TRUE(dies_naming(p, "went back to the system", putting(p)));
}

} // namespace
