// The caches that threads leave: there are as many as threads ever were alive at a time; and those that they no longer
// use.
#include <atomic>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "cache/cache_directory.hpp"
#include "support/blocks.hpp"
#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/pieces.hpp"
#include "support/process_memory.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class LeftCaches : public fresh_pool {};

// Beside what is idle, which is bounded, each has memory of its own.
TEST_F(LeftCaches, KeepNoMemoryWhenAllIsTrimmed) {
    if (slowness() != 1) GTEST_SKIP() << "a sanitizer has memory of its own for each thread";
    constexpr unsigned threads = 500;
    const auto come_and_go = [] {
        std::barrier all(threads);
        run_threads(threads, [&all](unsigned) {
            for (std::size_t n = page; n <= 4 * mib; n *= 2) static_cast<void>(synk::get_sized_pool().get_sized(n));
            all.arrive_and_wait();
        });
    };
    come_and_go(); // stacks, and what else of threads stays
    synk::trim();
    const std::size_t before = memory_now().resident;
    come_and_go();
    const std::size_t after = memory_now().resident;
    synk::trim();
    EXPECT_LT(memory_now().resident, before + threads * page);
    EXPECT_GT(after, before + 4 * threads * page) << "they had no memory of their own, and this test shows nothing";
}

// Once a visit has found all that they hold unused.
TEST_F(LeftCaches, NorDoThoseOfThreadsThatSleep) {
    if (slowness() != 1) GTEST_SKIP() << "a sanitizer has memory of its own for each thread";
    constexpr std::size_t threads = 30;
    sleepers all(threads);
    std::vector<synk::bytes> held[threads]; // by all at once, or they would take it from each other
    const auto use_all = [&all, &held] {
        for (std::size_t i = 0; i < threads; ++i)
            all.run(i, [&mine = held[i]] {
                for (std::size_t n = page; n <= 64 * kib; n *= 2)
                    for (int j = 0; j < 20; ++j) mine.push_back(synk::get_sized_pool().get_sized(n));
            });
        for (std::size_t i = 0; i < threads; ++i) all.run(i, [&mine = held[i]] { mine.clear(); });
    };
    use_all();
    for (int i = 0; i < 2; ++i) {
        ASSERT_GT(inside::thread_caches::reserved_bytes(), threads * mib);
        inside::thread_caches::age();
    }
    ASSERT_EQ(inside::thread_caches::reserved_bytes(), 0U);
    inside::thread_caches::give_back_emptied(inside::cache_directory::capacity);
    const std::size_t after = memory_now().resident;
    use_all(); // they are as good as new
    EXPECT_GT(memory_now().resident, after + 4 * threads * page);
}

// By the next thread, as if they were new; and those that threads have are left alone.
TEST_F(LeftCaches, AreUsedAgain) {
    worker living;
    living.run([] { static_cast<void>(synk::get_sized_pool().get_sized(page)); });
    synk::bytes held;
    std::thread([&held] { held = synk::get_sized_pool().get_sized(page); }).join();
    const inside::cache_record* left = nullptr;
    for (int round = 0; round < 3; ++round) {
        synk::trim();
        std::thread([&left] {
            require_every_tier_works(1);
            const auto* const own = inside::thread_caches::own();
            EXPECT_TRUE(left == nullptr || own == left) << "the one before it is not to be had any more";
            left = own;
        }).join();
        living.run([] { require_every_tier_works(2); });
        require_every_tier_works(3);
    }
}

// As when somebody was behind the gate while the thread ended.
TEST_F(LeftCaches, ThatHoldSomethingKeepIt) {
    inside::cache_record* cache = nullptr;
    auto thread = std::make_unique<worker>();
    thread->run([&cache] {
        std::vector<synk::bytes> some;
        while (some.size() != 2'000) some.push_back(synk::get_sized_pool().get_sized(page));
        some.clear();
        cache = inside::thread_caches::own();
    });
    const unsigned held = cache->count(0);
    ASSERT_GT(held * sizeof(void*), 2 * page) << "more than a page's slots";
    ASSERT_TRUE(cache->gate.close(inside::thread_caches::barrier));
    thread.reset();
    cache->gate.open();
    inside::thread_caches::give_back_emptied(inside::cache_directory::capacity);
    ASSERT_EQ(cache->count(0), held);
    for (unsigned i = 0; i < held; ++i) ASSERT_NE(cache->row(0)[i], nullptr) << i;
}

// Who comes when there are as many as there may be does without.
TEST_F(LeftCaches, AThreadMayDoWithout) {
    static inside::cache_record spare;
    spare.set_up();
    while (inside::all_caches.enter(spare)) {
    }
    std::atomic<unsigned> without{0};
    run_threads(4, [&without](unsigned key) {
        if (inside::thread_caches::own() == nullptr) ++without;
        require_every_tier_works(key);
        std::this_thread::sleep_for(std::chrono::milliseconds(100)); // until all have begun
    });
    EXPECT_GE(without, 3U);
}

} // namespace
