// How a thread's cache lies in memory.
#include <cstdint>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "cache/thread_caches.hpp"

namespace {

using namespace synk::detail;

// The part of an address by which processors first tell whether a load may have to wait for an earlier store.
unsigned place_of(const void* p) { return static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(p) % 4096); }

// Words of 8 bytes that meet there, at least in part.
bool meet(const void* a, const void* b) {
    const unsigned apart = (place_of(a) - place_of(b)) % 4096;
    return apart < 8 || apart > 4096 - 8;
}

TEST(ThreadCache, FirstSlotsDoNotMeetWhatTheirBinsHitsRead) {
    constexpr unsigned first = 4; // more are rarely in use at the same moment
    const auto cache = std::make_unique<cache_record>();
    for (unsigned cls = 0; cls < cached_class_count; ++cls) {
        const unsigned bin = bin_of(cls);
        for (unsigned i = 0; i < first; ++i) {
            const auto* const slot = cache->row(cls) + i;
            EXPECT_FALSE(meet(slot, &cache->bins[bin])) << "class " << cls << ", slot " << i;
            EXPECT_FALSE(meet(slot, &cache->tags[bin])) << "class " << cls << ", slot " << i;
            EXPECT_FALSE(meet(slot, &cache->limits[bin])) << "class " << cls << ", slot " << i;
            EXPECT_FALSE(meet(slot, &cache->gate)) << "class " << cls << ", slot " << i;
        }
    }
}

// The load that every hit begins with, and the first bytes of a block, which users write.
TEST(ThreadCache, LiesApartFromWhatComesBetweenItsHits) {
    for (int thread = 0; thread < 3; ++thread)
        std::thread([] {
            static_cast<void>(synk::get_sized_pool().get_sized(5000));
            auto& cache = static_cast<cache_record&>(*this_thread_cache);
            for (unsigned cls = 0; cls < cached_class_count; ++cls) {
                const unsigned bin = bin_of(cls);
                EXPECT_FALSE(meet(&cache.bins[bin], &this_thread_cache)) << "class " << cls;
                EXPECT_FALSE(meet(cache.row(cls), &this_thread_cache)) << "class " << cls;
                for (const void* const p :
                     {static_cast<const void*>(&cache.bins[bin]), static_cast<const void*>(cache.row(cls)),
                      static_cast<const void*>(&cache.tags[bin]), static_cast<const void*>(&cache.limits[bin])})
                    EXPECT_FALSE(meet(p, nullptr)) << "class " << cls;
            }
        }).join();
}

} // namespace
