// A tier's channel: bounded exactly, and every block that was put comes out once.
#include "channel/channel.hpp"
#include "channel/channels.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk::detail;

// The channel never looks at what a pointer points to.
std::byte* item(std::size_t number) { return reinterpret_cast<std::byte*>((number + 1) * page_size); }
std::size_t number_of(const std::byte* p) { return reinterpret_cast<std::uintptr_t>(p) / page_size - 1; }

std::vector<std::byte*> items(std::size_t first, std::size_t n) {
    std::vector<std::byte*> all;
    for (std::size_t i = 0; i < n; ++i) all.push_back(item(first + i));
    return all;
}

std::vector<std::byte*> take_all(channel& c, unsigned kind, unsigned batch) {
    std::vector<std::byte*> all;
    std::array<std::byte*, channel::max_bound> out{};
    while (const unsigned n = c.get(kind, out.data(), batch)) all.insert(all.end(), out.begin(), out.begin() + n);
    std::sort(all.begin(), all.end());
    return all;
}

unsigned size_of_kinds(const channel& c) {
    unsigned sum = 0;
    for (unsigned kind = 0; kind < channel::kinds; ++kind) sum += c.size(kind);
    return sum;
}

TEST(Channel, BoundsOfTheTiersAreTheSpecifications) {
    constexpr std::array<unsigned, tier_count> wanted{256, 128, 64, 32, 16, 8, 8, 8, 8, 8, 8};
    for (unsigned tier = 0; tier < tier_count; ++tier) {
        EXPECT_EQ(channel_bound(tier), wanted[tier]);
        EXPECT_EQ(channels[tier].bound(), wanted[tier]);
    }
}

TEST(Channel, HoldsExactlyItsBound) {
    for (const unsigned bound : {1U, 8U, 16U, 32U, 63U, 64U, 65U, 100U, 128U, 129U, 255U, 256U}) {
        channel c(bound);
        const auto all = items(0, bound + 10);
        EXPECT_EQ(c.put(0, all.data(), bound + 10), bound);
        EXPECT_EQ(c.put(0, all.data(), 1), 0U);
        EXPECT_EQ(c.put(1, all.data(), 1), 0U) << "the bound is of all kinds together";
        EXPECT_EQ(c.size(0), bound);
        EXPECT_EQ(take_all(c, 0, channel::max_bound), items(0, bound));
        EXPECT_EQ(c.size(0), 0U);
    }
}

TEST(Channel, HoldsItsBoundPutOneByOne) {
    channel c(100);
    const auto all = items(0, 100);
    for (std::byte* const p : all) EXPECT_EQ(c.put(0, &p, 1), 1U);
    EXPECT_EQ(c.put(0, all.data(), 1), 0U);
    EXPECT_EQ(take_all(c, 0, 1), all);
}

TEST(Channel, TakesTheFirstOfABatchThatDoesNotFit) {
    channel c(8);
    const auto first = items(0, 5);
    const auto second = items(5, 5);
    EXPECT_EQ(c.put(0, first.data(), 5), 5U);
    EXPECT_EQ(c.put(0, second.data(), 5), 3U);
    EXPECT_EQ(take_all(c, 0, 8), items(0, 8));
}

TEST(Channel, GivesAtMostWhatIsAskedFor) {
    channel c(256);
    const auto all = items(0, 200);
    ASSERT_EQ(c.put(0, all.data(), 200), 200U);
    std::array<std::byte*, channel::max_bound> out{};
    EXPECT_EQ(c.get(0, out.data(), 0), 0U);
    EXPECT_EQ(c.get(0, out.data(), 1), 1U);
    EXPECT_EQ(c.get(0, out.data(), 130), 130U);
    EXPECT_EQ(out[130], nullptr) << "more was written than said";
    EXPECT_EQ(c.get(0, out.data(), 256), 69U);
    EXPECT_EQ(c.get(0, out.data(), 256), 0U);
}

TEST(Channel, KeepsKindsApart) {
    channel c(64);
    for (unsigned kind = 0; kind < channel::kinds; ++kind) {
        const auto all = items(kind * 100, 16);
        ASSERT_EQ(c.put(kind, all.data(), 16), 16U);
    }
    for (unsigned kind = channel::kinds; kind-- > 0;) {
        EXPECT_EQ(c.size(kind), 16U);
        EXPECT_EQ(take_all(c, kind, 7), items(kind * 100, 16));
    }
}

// A random walk against the least that a channel can be: one list a kind.
TEST(Channel, BehavesLikeListsWithACommonBound) {
    synk_test::random_source random = synk_test::seeded();
    channel c(100);
    std::array<std::vector<std::byte*>, channel::kinds> model;
    std::size_t in_model = 0;
    std::size_t next = 0;
    for (std::size_t step = 0; step < synk_test::effort(200'000); ++step) {
        const auto kind = static_cast<unsigned>(random.below(channel::kinds));
        const auto n = static_cast<unsigned>(random.below(80));
        if (random.one_in(2)) {
            const auto batch = items(next, n);
            const unsigned done = c.put(kind, batch.data(), n);
            ASSERT_EQ(done, std::min<std::size_t>(n, 100 - in_model));
            model[kind].insert(model[kind].end(), batch.begin(), batch.begin() + done);
            in_model += done;
            next += done;
        } else {
            std::array<std::byte*, 80> out{};
            const unsigned done = c.get(kind, out.data(), n);
            ASSERT_EQ(done, std::min<std::size_t>(n, model[kind].size()));
            for (unsigned i = 0; i < done; ++i) ASSERT_EQ(std::erase(model[kind], out[i]), 1U) << "step " << step;
            in_model -= done;
        }
        ASSERT_EQ(size_of_kinds(c), in_model);
        ASSERT_EQ(c.size(), in_model);
    }
}

// Every item lies in one place: a thread's hands or the channel. Threads put what they have and get what they can.
class channel_traffic {
public:
    channel_traffic(unsigned bound, unsigned threads, std::size_t per_thread)
        : c_(bound), hands_(threads), seen_(threads * per_thread) {
        for (unsigned i = 0; i < threads; ++i) hands_[i] = items(i * per_thread, per_thread);
    }

    void run(std::size_t rounds, std::uint64_t seed) {
        synk_test::run_threads(static_cast<unsigned>(hands_.size()), [&](unsigned i) {
            synk_test::random_source random(seed + i);
            for (std::size_t r = 0; r < rounds; ++r) step(hands_[i], random);
        });
    }

    void expect_each_exactly_once() {
        for (unsigned kind = 0; kind < channel::kinds; ++kind) hands_.push_back(take_all(c_, kind, 64));
        for (const auto& hand : hands_)
            for (const std::byte* const p : hand) ++seen_.at(number_of(p));
        EXPECT_EQ(std::count(seen_.begin(), seen_.end(), 1), static_cast<std::ptrdiff_t>(seen_.size()));
    }

private:
    // A kind is a property of the item, as a block's class is.
    static unsigned kind_of(const std::byte* p) { return static_cast<unsigned>(number_of(p) % channel::kinds); }

    void step(std::vector<std::byte*>& hand, synk_test::random_source& random) {
        const auto most = static_cast<unsigned>(random.between(1, 40));
        if (random.one_in(2)) {
            put(hand, static_cast<unsigned>(random.below(channel::kinds)), most);
        } else {
            std::array<std::byte*, 40> out{};
            const auto kind = static_cast<unsigned>(random.below(channel::kinds));
            const unsigned n = c_.get(kind, out.data(), most);
            for (unsigned i = 0; i < n; ++i)
                if (kind_of(out[i]) != kind) ADD_FAILURE() << "a block of another kind came out";
            hand.insert(hand.end(), out.begin(), out.begin() + n);
        }
        if (c_.size() > c_.bound()) ADD_FAILURE() << "more than the bound";
    }

    void put(std::vector<std::byte*>& hand, unsigned kind, unsigned most) {
        std::vector<std::byte*> batch;
        for (std::byte* const p : hand)
            if (kind_of(p) == kind && batch.size() < most) batch.push_back(p);
        const unsigned done = c_.put(kind, batch.data(), static_cast<unsigned>(batch.size()));
        for (unsigned i = 0; i < done; ++i) std::erase(hand, batch[i]);
    }

    channel c_;
    std::vector<std::vector<std::byte*>> hands_;
    std::vector<int> seen_;
};

TEST(Channel, LosesAndDoublesNothingBetweenThreads) {
    synk_test::random_source random = synk_test::seeded();
    for (const unsigned bound : {8U, 64U, 100U, 256U}) {
        channel_traffic traffic(bound, 4, 100);
        traffic.run(synk_test::effort(40'000), random.next());
        traffic.expect_each_exactly_once();
    }
}

// What a thread did to a block before its put is seen by who gets it: the counts behind the blocks are plain memory.
TEST(Channel, PublishesWhatLiesBehindTheBlocks) {
    constexpr unsigned count = 16;
    channel c(count);
    std::vector<std::byte*> blocks;
    std::array<std::uint64_t, count> uses{};
    for (auto& n : uses) blocks.push_back(reinterpret_cast<std::byte*>(&n));
    ASSERT_EQ(c.put(0, blocks.data(), count), count);
    std::atomic<std::uint64_t> gets{0};
    synk_test::run_threads(4, [&](unsigned) {
        for (std::size_t r = 0; r < synk_test::effort(300'000); ++r) {
            std::byte* p = nullptr;
            if (c.get(0, &p, 1) == 0) continue;
            ++*reinterpret_cast<std::uint64_t*>(p);
            ++gets;
            // Every block that is out has left a slot empty.
            if (c.put(0, &p, 1) != 1) ADD_FAILURE() << "no slot for a block that came out of one";
        }
    });
    EXPECT_EQ(c.size(0), count);
    EXPECT_EQ(std::accumulate(uses.begin(), uses.end(), std::uint64_t{0}), gets);
}

} // namespace
