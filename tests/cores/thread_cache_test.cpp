// How a thread's cache lies in memory.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include <gtest/gtest.h>

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

// Where many pages are in use by turns: processors look a page's translation up among a few, by the last bits of its
// number (16 places are usual), and a line of memory by the last bits of its own.
TEST(ThreadCache, RowsBeginOnPagesAndLinesApart) {
    const auto cache = std::make_unique<cache_record>();
    for (std::uintptr_t moved = 0; moved < page_size; moved += alignof(cache_record)) {
        std::map<std::uintptr_t, unsigned> tiers_at_place, rows_at_line;
        for (unsigned cls = 0; cls < chunk_class_count; ++cls) {
            const auto row = reinterpret_cast<std::uintptr_t>(cache->row(cls)) + moved;
            const bool is_a_tier = std::has_single_bit(class_pages(cls));
            if (is_a_tier) {
                ++tiers_at_place[row / page_size % 16];
                EXPECT_NE(row % 64, 0U) << "class " << cls << ", moved by " << moved;
            }
            EXPECT_LE(tiers_at_place[row / page_size % 16], 2U) << "class " << cls << ", moved by " << moved;
            EXPECT_LE(++rows_at_line[row % page_size / 64], 2U) << "class " << cls << ", moved by " << moved;
        }
    }
}

// The loads that every hit begins with, wherever they are, and the first bytes of a block, which users write.
TEST(ThreadCache, LiesApartFromWhatComesBetweenItsHits) {
    struct alignas(64) space {
        std::byte bytes[sizeof(cache_record) + page_size];
    };
    struct alignas(64) starts {
        std::byte bytes[page_size + sizeof(hit_start)];
    };
    const auto memory = std::make_unique<space>();
    const auto page = std::make_unique<starts>();
    for (std::size_t at = 0; at < page_size; at += alignof(hit_start)) {
        const auto& start = *reinterpret_cast<const hit_start*>(page->bytes + at);
        std::byte* const place = thread_caches::place_in(memory->bytes, start);
        ASSERT_TRUE(place >= memory->bytes && place + sizeof(cache_record) <= memory->bytes + sizeof(space));
        auto& cache = *reinterpret_cast<cache_record*>(place);
        for (unsigned cls = 0; cls < cached_class_count; ++cls) {
            const unsigned bin = bin_of(cls);
            for (std::size_t word = 0; word < alignof(hit_start); word += sizeof(void*)) {
                const std::byte* const read_first = page->bytes + at + word;
                ASSERT_FALSE(meet(&cache.bins[bin], read_first) || meet(cache.row(cls), read_first)) << "class " << cls;
                ASSERT_FALSE(meet(&cache.gate, read_first));
            }
            for (const void* const p :
                 {static_cast<const void*>(&cache.bins[bin]), static_cast<const void*>(cache.row(cls)),
                  static_cast<const void*>(&cache.gate), static_cast<const void*>(&cache.tags[bin]),
                  static_cast<const void*>(&cache.limits[bin])})
                ASSERT_FALSE(meet(p, nullptr)) << "class " << cls;
        }
    }
}

} // namespace
