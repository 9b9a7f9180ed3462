// The store of chunks under many interleavings, as a whole: blocks are cut and come back while the keeper makes free
// pages weak and gone, and chunks are unmapped. Whoever has a page, or takes its memory away, owns it; and in the end
// the books are right: flags, counts, and the index by which free pages are found again and given back.
#include <gtest/gtest.h>

#include "chunks/chunk_index.hpp"
#include "explorer/mutants.hpp"
#include "explorer/small_system.hpp"
#include "stats/counters.hpp"

namespace {

using namespace synk_explorer;
using synk::detail::chunk;
using synk::detail::chunk_store;
using synk::detail::chunks;
using synk::detail::chunks_by_class;
using synk::detail::class_of;
using synk::detail::class_pages;
using synk::detail::counters;
using synk::detail::page_bitmap;
using synk::detail::page_size;
using synk::detail::warm_chunks;
using synk::detail::whole_class;

std::size_t bytes(std::uint64_t word) { return static_cast<std::size_t>(std::popcount(word)) * page_size; }

// What the books must say of the pages as they are.
struct books {
    std::size_t owned = 0, warm = 0, weak = 0;

    void add(const chunk& c) {
        bool any_free = false, any_warm = false;
        for (unsigned w = 0; w < page_bitmap::words; ++w) {
            const std::uint64_t own = c.owned.word(w), gone = c.gone.word(w);
            owned += bytes(own);
            warm += bytes(~own & ~gone);
            weak += bytes(c.weak.word(w));
            require((own & (c.weak.word(w) | gone)) == 0, "a lent page is marked as weak or gone");
            require((gone & c.weak.word(w)) == 0, "a page is gone and weak");
            any_free = any_free || ~own != 0;
            any_warm = any_warm || (~own & ~gone) != 0;
        }
        require(!any_warm || warm_chunks->contains(c.id), "free resident pages that no visit will find");
        require(!any_free || listed(c), "free pages that no claim will find");
    }
    static bool listed(const chunk& c) {
        const std::size_t longest = c.owned.longest_free();
        const unsigned cls = class_of(longest * page_size);
        return chunks_by_class[class_pages(cls) <= longest ? cls : cls - 1]->contains(c.id);
    }
};

// Found in the chunk that is free as a whole alone.
constexpr unsigned large_class = class_of(std::size_t{128} * page_size);

struct store_world {
    static constexpr unsigned threads = 3;

    static std::byte* claim(unsigned cls) {
        std::byte* block = nullptr;
        if (chunk_store::claim(cls, &block, 1).count == 0) return nullptr;
        use(block, cls);
        return block;
    }
    static std::byte* claim_resident(unsigned cls) {
        std::byte* block = nullptr;
        if (chunk_store::claim_resident(cls, &block, 1).count == 0) return nullptr;
        use(block, cls);
        return block;
    }
    static std::byte* claim_new(unsigned cls) {
        std::byte* block = nullptr;
        if (chunk_store::claim_new(cls, &block, 1).count == 0) return nullptr;
        use(block, cls);
        return block;
    }
    static void use(const std::byte* block, unsigned cls) {
        pages.use(small_system::page_of(block), static_cast<unsigned>(class_pages(cls)));
    }
    static void put(std::byte* block, unsigned cls) {
        if (block == nullptr) return;
        use(block, cls);
        chunk_store::free(block);
    }
    static void put_gone(std::byte* block, unsigned cls) {
        if (block == nullptr) return;
        use(block, cls);
        static_cast<void>(chunk_store::free_gone(block));
    }
    static void finish() {
        books all;
        for (unsigned id = 0; id < chunks->limit(); ++id)
            if (const chunk* const c = chunks->at(id); c->start() != nullptr) all.add(*c);
        require(counters.chunk_owned.get() == all.owned, "the count of lent bytes is wrong");
        require(counters.chunk_warm.get() == all.warm, "the count of idle bytes is wrong");
        require(counters.chunk_weak.get() == all.weak, "the count of weak bytes is wrong");
    }
};

// Blocks are claimed and come back while a visit makes free pages weak.
struct visit : store_world {
    static void thread(unsigned i) {
        if (i == 0) put(claim(block_class), block_class);
        if (i == 1) chunk_store::age(a_visit(4));
        if (i == 2) static_cast<void>(claim(block_class + 1));
    }
};

// Two blocks of one chunk come back together, and the chunk is listed once for both.
struct together : store_world {
    static void thread(unsigned i) {
        if (i == 1) static_cast<void>(claim(block_class + 1));
        if (i != 0) return;
        std::byte* blocks[2];
        const unsigned n = chunk_store::claim(block_class, blocks, 2).count;
        for (unsigned k = 0; k < n; ++k) use(blocks[k], block_class);
        chunk_store::free(blocks, n);
    }
};

// Blocks are claimed and come back when everything has been calm for so long that its memory goes, and somebody trims.
struct trim : store_world {
    static void thread(unsigned i) {
        if (i == 0) put(claim(block_class), block_class);
        if (i == 1) chunk_store::age(a_visit(5000));
        if (i == 2) chunk_store::purge(~std::size_t{0});
    }
};

// Resident pages are wanted while they lose their memory.
struct resident : store_world {
    static void thread(unsigned i) {
        if (i == 0) put(claim_resident(block_class), block_class);
        if (i == 1) static_cast<void>(claim_resident(block_class + 1));
        if (i == 2) chunk_store::purge(~std::size_t{0});
    }
};

// The same where a run will do of which some have none.
struct least_gone : store_world {
    static void thread(unsigned i) {
        if (i == 2) return static_cast<void>(chunk_store::purge(~std::size_t{0}));
        const unsigned cls = block_class + i;
        std::byte* block = nullptr;
        if (chunk_store::claim_least_gone(cls, &block).count == 0) return;
        use(block, cls);
        if (i == 0) put(block, cls);
    }
};

// What a thread puts it gets again, out of that chunk, unless another one was faster, or the chunk is gone.
struct near : store_world {
    static std::byte* claim_near(unsigned cls) {
        std::byte* block = nullptr;
        if (chunk_store::claim_near(cls, &block).count == 0) return nullptr;
        use(block, cls);
        return block;
    }
    static void put_near(std::byte* block, unsigned cls) {
        if (block == nullptr) return;
        use(block, cls);
        chunk_store::free_near(block);
    }
    static void thread(unsigned i) {
        if (i == 2) return static_cast<void>(chunk_store::purge(~std::size_t{0}));
        if (i == 0) put_near(start().block[6], block_class);
        put_near(claim_near(block_class), block_class);
    }
};

struct near_unmapping : near {
    static void thread(unsigned i) {
        if (i == 0) put_near(claim(whole_class), whole_class);
        if (i == 1) static_cast<void>(chunk_store::unmap_free());
        if (i == 2) static_cast<void>(claim_near(block_class));
    }
};

struct near_visit : near {
    static void thread(unsigned i) {
        if (i == 0) put_near(start().block[6], block_class);
        if (i == 1) chunk_store::age(a_visit(4));
        if (i == 2) static_cast<void>(claim_near(block_class));
    }
};

// A claim that spans words of the bitmap may come to nothing at the second one: it has hidden the pages of the first
// from a visit meanwhile.
struct spanning : store_world {
    static constexpr unsigned both_words = class_of(6 * block_pages * page_size);
    static void thread(unsigned i) {
        if (i == 0) static_cast<void>(claim(both_words));
        if (i == 1) static_cast<void>(claim(block_class));
        if (i == 2) chunk_store::age(a_visit(4));
    }
};

// The same where only resident pages are wanted, and all are.
struct spanning_resident : spanning {
    spanning_resident() {
        chunk& c = *chunks->at(0);
        counters.chunk_warm.add(c.gone.clear({4 * block_pages, 2 * block_pages}) * page_size);
    }
    static void thread(unsigned i) {
        if (i == 0)
            static_cast<void>(claim_resident(both_words));
        else
            spanning::thread(i);
    }
};

// The whole of a chunk is wanted that was gone a moment ago: on the way to a page in use others are hidden from a
// visit.
struct whole : store_world {
    whole() {
        chunk& c = *chunks->at(1);
        counters.chunk_warm.sub(synk::detail::chunk_size);
        counters.chunk_weak.sub(c.weak.clear(chunk::whole) * page_size);
        c.gone.set(chunk::whole);
    }
    static void thread(unsigned i) {
        if (i == 0) static_cast<void>(claim(whole_class));
        if (i == 1) {
            std::byte* const first = claim(large_class);
            static_cast<void>(claim(large_class));
            put(first, large_class);
        }
        if (i == 2) chunk_store::age(a_visit(4));
    }
};

// In a chunk on huge pages a block wakes what is free beside it.
struct huge : store_world {
    huge() { chunks->at(1)->on_huge_pages.store(true, std::memory_order_relaxed); }
    static void thread(unsigned i) {
        if (i == 0) put(claim(large_class), large_class);
        if (i == 1) static_cast<void>(claim(large_class));
        if (i == 2) chunk_store::age(a_visit(4));
    }
};

struct huge_trim : huge {
    static void thread(unsigned i) {
        if (i == 2)
            chunk_store::purge(~std::size_t{0});
        else
            huge::thread(i);
    }
};

// A fork comes, which wants nothing to be weak, while blocks that were lent come back, one of them without its memory.
struct before_fork : store_world {
    static void thread(unsigned i) {
        if (i == 0) put(start().block[6], block_class);
        if (i == 1) chunk_store::drop_weak();
        if (i == 2) put_gone(start().block[7], block_class);
    }
};

// A chunk that is free goes back while one thread wants the whole of it and another a new one.
struct unmapping : store_world {
    static void thread(unsigned i) {
        if (i == 0) put(claim(whole_class), whole_class);
        if (i == 1) chunk_store::unmap_free();
        if (i == 2) static_cast<void>(claim_new(block_class));
    }
};

// Neighbours come back at the same time: they are one run, and it is found.
struct neighbours : store_world {
    static void thread(unsigned i) { put(start().block[8 + i], block_class); }
    static void finish() {
        require(chunks->at(0)->owned.longest_free() >= 3 * block_pages, "three free neighbours are not one run");
        store_world::finish();
    }
};

// And at the same time lose their memory: their flags share a word.
struct neighbours_gone : neighbours {
    static void thread(unsigned i) { put_gone(start().block[8 + i], block_class); }
};

// With nobody else there, a chunk stands under the class of its longest run and no other.
struct relisting : store_world {
    static constexpr unsigned threads = 1;
    static void thread(unsigned /*i*/) {
        const chunk& c = *chunks->at(0);
        const auto listed_under = [&c](unsigned n) {
            return chunks_by_class[class_of(n * block_pages * page_size)]->contains(c.id);
        };
        require(listed_under(6), "six free blocks are not found");
        std::byte* const block = claim(block_class);
        require(listed_under(5) && !listed_under(6), "a chunk stands where it no longer belongs");
        put(block, block_class);
        require(listed_under(6) && !listed_under(5), "a chunk stands where it no longer belongs");
    }
};

const std::vector<program> worlds{program_of<relisting>("chunks_relisting"),
                                  program_of<visit>("chunks_visit"),
                                  program_of<together>("chunks_together"),
                                  program_of<trim>("chunks_trim"),
                                  program_of<resident>("chunks_resident"),
                                  program_of<least_gone>("chunks_least_gone"),
                                  program_of<near>("chunks_near"),
                                  program_of<near_unmapping>("chunks_near_unmapping"),
                                  program_of<near_visit>("chunks_near_visit"),
                                  program_of<before_fork>("chunks_before_fork"),
                                  program_of<unmapping>("chunks_unmapping"),
                                  program_of<neighbours>("chunks_neighbours"),
                                  program_of<neighbours_gone>("chunks_neighbours_gone"),
                                  program_of<spanning>("chunks_spanning"),
                                  program_of<spanning_resident>("chunks_spanning_resident"),
                                  program_of<whole>("chunks_whole"),
                                  program_of<huge>("chunks_huge"),
                                  program_of<huge_trim>("chunks_huge_trim")};

TEST(Chunks, KeepTheirPromises) {
    static_cast<void>(start());
    for (const program& p : worlds) EXPECT_EQ(broken(p, {1, 1}, 1.5), ""); // long schedules, many of them
}

TEST(Chunks, MutantsAreFound) {
    static_cast<void>(start());
    EXPECT_EQ(survivors(worlds, "chunks/chunk.hpp", {}), "");
    const std::vector<equivalent> listed{{"c.listed.exchange(", "split",
                                          "equivalent: two may take the same class for the old one; then the chunk "
                                          "stands under another too, until it is "
                                          "found there"},
                                         {"c.longest_resident.store(", "dropped",
                                          "a hint: who wants resident pages overlooks some, nobody loses any; promised "
                                          "in idle_beside_lent_test.cpp"}};
    EXPECT_EQ(survivors(worlds, "chunks/chunk_index.cpp", listed), "");
}

} // namespace
