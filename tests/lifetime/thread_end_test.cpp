// A thread's end: puts from its destructors, and its cache, which goes to the others.
// ctest-variants: plain asan
// (ThreadSanitizer ends its own records of a thread in a key destructor, and crashes in what comes after.)
#include <array>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "cache/thread_caches.hpp"
#include "support/blocks.hpp"
#include "support/effort.hpp"
#include "support/gets.hpp"
#include "support/map_count.hpp"
#include "support/no_ageing.hpp"

namespace {

using synk_test::cache_hits;
using synk_test::effort;
using synk_test::map_count;
using synk_test::require_every_tier_works;

struct uses_the_pool_at_its_end {
    ~uses_the_pool_at_its_end() {
        handle.reset();
        require_every_tier_works(1);
    }
    synk::bytes handle;
};

// A pthread key whose destructor puts its value and uses the pool; at the n-th round of destructors, since it sets
// itself again until then.
class key_with_destructor {
public:
    explicit key_with_destructor(unsigned rounds = 1) {
        rounds_wanted_ = rounds;
        if (::pthread_key_create(&key_, at_thread_end) != 0) std::abort();
    }
    key_with_destructor(const key_with_destructor&) = delete;
    key_with_destructor& operator=(const key_with_destructor&) = delete;
    ~key_with_destructor() { ::pthread_key_delete(key_); }

    void set(void* value) { ::pthread_setspecific(key_, value); }
    static unsigned ended() { return ended_.exchange(0); }

private:
    static void at_thread_end(void* value) {
        thread_local unsigned round = 0;
        if (++round < rounds_wanted_) {
            ::pthread_setspecific(key_, value);
            return;
        }
        if (value != not_a_block()) synk_put(value);
        require_every_tier_works(2);
        ++ended_;
    }

    static inline pthread_key_t key_;
    static inline unsigned rounds_wanted_;
    static inline std::atomic<unsigned> ended_{0};

public:
    // For a thread that has not used the pool yet: there is nothing to put.
    static void* not_a_block() { return &key_; }
};

template <class Work>
void in_a_thread(Work work) {
    std::thread(work).join();
}

class ThreadEnd : public testing::Test {
protected:
    void TearDown() override { EXPECT_EQ(synk::stats().lent, 0U) << "a block is lost"; }
};

TEST_F(ThreadEnd, PutsFromThreadLocalDestructors) {
    for (int i = 0; i < 20; ++i)
        in_a_thread([] {
            thread_local uses_the_pool_at_its_end made_before;
            made_before.handle = synk::get_sized_pool().get_sized(5000);
            thread_local uses_the_pool_at_its_end made_after;
            made_after.handle = synk::get_sized_pool().get_sized(6'000'000);
        });
}

TEST_F(ThreadEnd, FirstUseInAThreadLocalDestructor) {
    for (int i = 0; i < 20; ++i)
        in_a_thread([] {
            thread_local uses_the_pool_at_its_end object;
            static_cast<void>(object.handle.size());
        });
}

// The destructors of keys run in the order of the keys, in up to four rounds: before, with and after the pool's own.
TEST_F(ThreadEnd, PutsFromKeyDestructorsInEveryRound) {
    for (unsigned round = 1; round <= PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
        key_with_destructor key(round);
        for (int i = 0; i < 5; ++i) in_a_thread([&] { key.set(synk_get(5000)); });
        EXPECT_EQ(key.ended(), 5U);
    }
}

TEST_F(ThreadEnd, FirstUseInAKeyDestructorOfEveryRound) {
    for (unsigned round = 1; round <= PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
        key_with_destructor key(round);
        for (int i = 0; i < 5; ++i) in_a_thread([&] { key.set(key_with_destructor::not_a_block()); });
        EXPECT_EQ(key.ended(), 5U);
    }
}

TEST_F(ThreadEnd, ItsBlocksServeTheOthers) {
    constexpr std::size_t sizes[] = {4096, 70'000, 1'000'000, 4'194'304, 6'000'000};
    const auto hold_all = [&] {
        std::vector<synk::bytes> held;
        for (const std::size_t n : sizes) held.push_back(synk::get_sized_pool().get_sized(n));
    };
    in_a_thread(hold_all);
    const std::size_t mapped = synk::stats().mapped;
    hold_all();
    EXPECT_EQ(synk::stats().mapped, mapped) << "what an ended thread had is used before new memory";
}

TEST_F(ThreadEnd, ItsHitsStayCounted) {
    const std::uint64_t before = cache_hits();
    in_a_thread([] {
        for (int i = 0; i < 1000; ++i) static_cast<void>(synk::get_sized_pool().get_sized(5000));
    });
    EXPECT_GE(cache_hits(), before + 900);
    EXPECT_LE(cache_hits(), before + 1000);
}

void use_a_little() {
    synk_test::churn work(5);
    for (int i = 0; i < 20; ++i) work.step();
    work.finish();
}

TEST_F(ThreadEnd, AThousandThreadsOneAfterAnotherCostNoMemory) {
    for (int i = 0; i < 20; ++i) in_a_thread(use_a_little);
    const std::size_t mapped = synk::stats().mapped;
    const map_count maps;
    for (std::size_t i = 0; i < effort(1000); ++i) in_a_thread(use_a_little);
    EXPECT_EQ(map_count::count(), 0U) << "neither caches nor blocks are new from the system";
    EXPECT_EQ(synk::stats().mapped, mapped);
}

} // namespace
