// The page bitmap under every interleaving: a page has one owner, who sees what the one before did to it.
#include <gtest/gtest.h>

#include "chunks/page_bitmap.hpp"
#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace {

using namespace synk_explorer;
using synk::detail::page_bitmap;
using synk::detail::page_run;

// The first 128 pages are there to be had.
struct pages {
    page_bitmap bits;
    payloads<128> content;

    pages() { require(bits.claim_at({128, page_bitmap::pages - 128}), "pages of a new bitmap are owned"); }

    void use_and_release(page_run run) {
        content.use(run.first, run.pages);
        require(bits.release(run), "a page that was owned by the caller was nobody's");
    }
    bool claim_use_release(page_run run) {
        const bool ours = bits.claim_at(run);
        if (ours) use_and_release(run);
        return ours;
    }
    bool claim_use_release(unsigned n) {
        const page_run run = bits.claim(n);
        require(run.pages == 0 || run.pages == n, "a claim of another length");
        if (run.pages != 0) use_and_release(run);
        return run.pages != 0;
    }
    void finish() {
        require(bits.word(0) == 0 && bits.word(1) == 0, "a page that everybody has released is owned");
        require(bits.longest_free() == 128, "free pages are not one run");
    }
};

// Runs that overlap, in one word.
struct overlapping : pages {
    static constexpr unsigned threads = 4;
    void thread(unsigned i) {
        claim_use_release({i * 2, 4});
        claim_use_release({6 - i * 2, 4});
    }
};

// Runs across the border of two words, where a claim has two steps and may have to go back.
struct across_words : pages {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        constexpr page_run run[] = {{60, 8}, {62, 4}, {64, 2}};
        claim_use_release(run[i]);
        claim_use_release(run[2 - i]);
    }
};

struct four_across : pages {
    static constexpr unsigned threads = 4;
    void thread(unsigned i) {
        constexpr page_run run[] = {{60, 8}, {62, 4}, {64, 2}, {58, 6}};
        claim_use_release(run[i]);
    }
};

// Who searches takes the shortest run that fits; two threads want what only one can have at a time.
struct searching : pages {
    static constexpr unsigned threads = 3;
    searching() { require(bits.claim_at({4, 60}) && bits.claim_at({68, 60}), "pages are owned twice"); }
    void thread(unsigned i) {
        if (i < 2)
            claim_use_release(4);
        else
            claim_use_release({2, 64});
        claim_use_release(3);
    }
    void finish() {
        require(bits.release({4, 60}) && bits.release({68, 60}), "pages of a run that is owned are free");
        pages::finish();
    }
};

// Where nobody is in the way, a claim succeeds, and one of what is owned fails.
struct alone : pages {
    static constexpr unsigned threads = 1;
    void thread(unsigned) {
        require(bits.claim_at({60, 8}), "nobody is in the way");
        require(!bits.claim_at({56, 8}) && !bits.claim_at({66, 4}), "a page has two owners");
        require(bits.owned(60) && bits.owned(67) && !bits.owned(59) && !bits.owned(68), "other pages than claimed");
        require(bits.claim(60).first == 0 && bits.longest_free() == 60, "not the shortest run that fits");
        require(bits.release({60, 8}) && !bits.release({60, 8}), "release does not know an owned page");
        require(bits.release({0, 60}), "an owned page is nobody's");
    }
};

// Two neighbours are released by two threads: whoever looks last sees one free run. (chunk_index.hpp needs it.)
struct neighbours : pages {
    static constexpr unsigned threads = 2;
    unsigned seen[threads]{};
    neighbours() { require(bits.claim_at({0, 128}), "pages of a new bitmap are owned"); }
    void thread(unsigned i) {
        require(bits.release({i * 64, 64}), "an owned page is nobody's");
        seen[i] = bits.longest_free();
    }
    void finish() {
        require(seen[0] == 128 || seen[1] == 128, "two neighbours are free, and neither thread has seen it");
        pages::finish();
    }
};

const std::vector<program> worlds{program_of<overlapping>("pages"),
                                  program_of<across_words>("pages_across"),
                                  program_of<four_across>("pages_four_across"),
                                  program_of<searching>("pages_searching"),
                                  program_of<alone>("pages_alone"),
                                  program_of<neighbours>("pages_neighbours")};

TEST(PageBitmap, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 1}), "");
}

TEST(PageBitmap, MutantsAreFound) {
    const std::vector<equivalent> listed{};
    EXPECT_EQ(survivors(worlds, "chunks/page_bitmap.hpp", listed), "");
}

} // namespace
