// A longer idle block serves a shorter request, and what it does not need is there at once for anybody else.
#include <functional>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/pieces.hpp"

namespace {

using namespace synk_test;

// Where the idle block lies when the request comes.
struct resting_place {
    const char* name;
    std::function<void(synk::bytes)> put;
};

class Split : public pool_of_classes {
protected:
    void TearDown() override {
        lent_.clear();
        idle_.reset();
        pool_of_classes::TearDown();
    }

    // One chunk, all lent in blocks of one tier but for `idle_`: nothing else can serve a request but new memory.
    void lend_all_but_one(unsigned tier) {
        const std::size_t pages = std::size_t{1} << tier;
        for (std::size_t i = 0; i < inside::chunk_pages / pages; ++i) lent_.push_back(get_pages(pages));
        ASSERT_EQ(mapped(), inside::chunk_size);
        idle_ = std::move(lent_[lent_.size() / 2]);
    }

    void expect_split(std::size_t pages, const resting_place& place) {
        const std::byte* const start = idle_.data();
        const std::size_t size = idle_.capacity();
        place.put(std::move(idle_));
        {
            const synk::bytes front = get_pages(pages);
            ASSERT_TRUE(within(front, start, size));
            other_.run([&] {
                const std::size_t excess = size / page - pages;
                for (const synk::bytes& b : get_all(partition(excess, longest_within(excess))))
                    EXPECT_TRUE(within(b, start, size)) << "the excess is not all there";
            });
        }
        idle_ = get(size);
        ASSERT_EQ(mapped(), inside::chunk_size) << pages << " pages of " << size / page << ", which lay " << place.name;
        ASSERT_EQ(idle_.data(), start);
    }

    [[nodiscard]] std::vector<resting_place> places() {
        return {{"in the thread's own cache", [](const synk::bytes&) {}},
                {"in the cache of a thread that sleeps", [this](synk::bytes b) { other_.run([&b] { b.reset(); }); }},
                {"in a channel",
                 [](synk::bytes b) { std::thread([moved = std::move(b)]() mutable { moved.reset(); }).join(); }},
                {"in its chunk", [](synk::bytes b) {
                     b.reset();
                     synk::trim();
                 }}};
    }

    worker other_;
    std::vector<synk::bytes> lent_;
    synk::bytes idle_;
};

TEST_F(Split, EveryTierServesEveryShorterLength) {
    for (unsigned tier = 1; tier <= 10; ++tier) {
        lent_.clear();
        idle_.reset();
        start_afresh();
        ASSERT_NO_FATAL_FAILURE(lend_all_but_one(tier));
        for (unsigned cls = 0; inside::class_pages(cls) < std::size_t{1} << tier; ++cls)
            for (const resting_place& place : places())
                ASSERT_NO_FATAL_FAILURE(expect_split(inside::class_pages(cls), place));
    }
}

// The front is page-exact: what a class is longer than the request is in it, no more.
TEST_F(Split, TakesNoMoreThanItsClass) {
    ASSERT_NO_FATAL_FAILURE(lend_all_but_one(10));
    idle_.reset();
    for (unsigned cls = 0; cls < inside::chunk_class_count; ++cls) {
        synk::bytes front = get_pages(inside::class_pages(cls));
        EXPECT_EQ(front.capacity(), inside::class_bytes(cls));
        EXPECT_EQ(lent(), front.capacity());
    }
    EXPECT_EQ(mapped(), inside::chunk_size);
}

// Many take what one block has, until nothing is left.
TEST_F(Split, OneBlockServesManyThreadsUntilItIsUsedUp) {
    ASSERT_NO_FATAL_FAILURE(lend_all_but_one(10));
    idle_.reset();
    constexpr std::size_t pieces = inside::chunk_pages / 16;
    std::vector<synk::bytes> held(pieces);
    sleepers threads(4);
    for (std::size_t i = 0; i < pieces; ++i) threads.run(i % 5, [&] { held[i] = get_pages(16); });
    EXPECT_EQ(mapped(), inside::chunk_size);
    EXPECT_EQ(lent(), inside::chunk_size);
    held.push_back(get_pages(1));
    EXPECT_EQ(mapped(), 2 * inside::chunk_size) << "a whole chunk was lent already";
}

} // namespace
