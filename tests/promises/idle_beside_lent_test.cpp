// Beside much that is lent little lies idle (growth.hpp), and yet a thread keeps what its gets want again and again.
#include <algorithm>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "pools/growth.hpp"
#include "support/fresh_pool.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

constexpr std::size_t limit = 16 * mib;
constexpr std::size_t largest = 512 * kib;

class IdleBesideLent : public fresh_pool {
protected:
    void SetUp() override {
        fresh_pool::SetUp();
        synk::configure(quiet_with_limit(limit));
        given_back_before_ = synk::stats().given_back;
    }

    // As programs ask for: as many of each doubling.
    synk::bytes get_one(std::uint64_t doublings = 8) {
        const std::size_t most = page << random_.below(doublings);
        return synk::get_sized_pool().get_sized(random_.between(most / 2 + 1, most));
    }
    void fill(std::vector<synk::bytes>& held, std::size_t bytes, std::uint64_t doublings = 8) {
        while (lent() < bytes) held.push_back(get_one(doublings));
    }
    void put_some(std::vector<synk::bytes>& held, std::size_t count) {
        for (; count != 0; --count) {
            std::swap(held[random_.below(held.size())], held.back());
            held.pop_back();
        }
    }
    [[nodiscard]] std::uint64_t given_back() const { return synk::stats().given_back - given_back_before_; }

private:
    random_source random_ = seeded();
    std::uint64_t given_back_before_ = 0;
};

TEST_F(IdleBesideLent, ALiveSetThatIsRenewedStaysNearWhatIsLent) {
    constexpr std::size_t live = 3 * limit;
    std::vector<synk::bytes> held;
    fill(held, live);
    for (int i = 0; i < 20; ++i) {
        put_some(held, held.size() / 4);
        fill(held, live);
        const synk::statistics s = synk::stats();
        EXPECT_LE(s.idle, live / 1024 + 4 * largest) << "in round " << i; // what was kept unpaid, and the last
    }
    EXPECT_GT(given_back(), 0U) << "nothing had to be paid for";
}

// What goes comes again as new pages, and those are page faults: of what is got one by one they are to be few.
TEST_F(IdleBesideLent, ALiveSetThatIsRenewedOneByOneGivesLittleOfItBack) {
    constexpr std::uint64_t doublings = 9;
    synk::configure(quiet_with_limit(4 * limit));
    std::vector<synk::bytes> held;
    fill(held, 6 * limit, doublings);
    std::uint64_t got = 0;
    for (int i = 0; i < 60'000; ++i) {
        put_some(held, 1);
        held.push_back(get_one(doublings));
        got += held.back().capacity();
    }
    EXPECT_LE(given_back(), got * 3 / 100);
    EXPECT_LE(synk::stats().idle, 4 * limit);
}

TEST_F(IdleBesideLent, UpToHalfOfTheLimitNothingIsPaidFor) {
    std::vector<synk::bytes> held;
    fill(held, limit / 2 - largest);
    for (int i = 0; i < 20; ++i) {
        put_some(held, held.size() / 4);
        fill(held, limit / 2 - largest);
    }
    EXPECT_EQ(given_back(), 0U);
}

// A page is paid for with a large block, as nothing shorter lies idle; so are the next thousand pages, by the same one.
TEST_F(IdleBesideLent, WhatWasPaidTooMuchIsTakenOffWhatIsDueNext) {
    constexpr std::size_t large = 5 * mib;
    std::vector<synk::bytes> held, blocks;
    fill(held, 3 * limit);
    for (int i = 0; i < 2; ++i) blocks.push_back(synk::get_sized_pool().get_sized(large));
    synk::trim();
    std::thread([&] { blocks.clear(); }).join(); // by a thread that ends, so that they lie in nobody's cache
    ASSERT_EQ(synk::stats().idle, 2 * large);
    for (int i = 0; i < 200; ++i) held.push_back(synk::get_sized_pool().get_sized(page));
    EXPECT_EQ(synk::stats().idle_large, large);
}

// Nothing else is idle; the rest of each page is what the next gets want. (One may go: the room that the cache keeps
// for its blocks' return counts as idle, too.)
TEST_F(IdleBesideLent, HugePagesAreNotBrokenByWhatIsLentOfThem) {
    synk::options o = quiet_with_limit(limit);
    o.huge = synk::huge_pages::on;
    synk::configure(o);
    std::vector<synk::bytes> held;
    while (lent() < 4 * limit) {
        held.push_back(synk::get_sized_pool().get_sized(page));
        ASSERT_LE(synk::stats().idle, 2 * mib);
    }
    EXPECT_LE(given_back(), 2 * mib);
}

// As after a burst that was longer than idle_limit: of many chunks that are wholly free most have no memory.
TEST_F(IdleBesideLent, IdleMemoryIsLentBeforePagesWithoutMemoryHoweverManyThereAre) {
    constexpr std::size_t burst = 8 * limit;
    std::vector<synk::bytes> held;
    fill(held, burst);
    std::thread([&] { held.clear(); }).join(); // by a thread that ends, so that it lies in nobody's cache
    inside::shared_store::empty_channels();
    const synk::statistics before = synk::stats();
    ASSERT_GT(before.idle, limit / 2);
    ASSERT_GT(before.gone, burst / 2);
    while (lent() < before.idle / 2) held.push_back(synk::get_sized_pool().get_sized(page));
    EXPECT_EQ(synk::stats().gone, before.gone);
}

// Each chunk has a MiB that is idle and one without memory: who looks for resident pages only, in a few chunks, does
// not come by those that have lent theirs.
TEST_F(IdleBesideLent, ChunksThatHaveLentTheirIdlePagesAreInNobodysWay) {
    using inside::shared_store;
    constexpr unsigned cls = inside::class_of(mib), other = inside::class_of(2 * mib);
    synk::configure(quiet_with_limit(128 * mib));
    std::byte *first[24], *between[24];
    for (std::size_t i = 0; i < std::size(first); ++i) {
        ASSERT_EQ(shared_store::get_new(cls, &first[i], 1).count, 1U);
        ASSERT_EQ(shared_store::get(other, &between[i], 1).count, 1U);
    }
    const auto put_all = [](const auto& blocks, std::size_t bytes) {
        for (std::byte* const b : blocks) {
            ASSERT_TRUE(inside::budget.take(bytes));
            shared_store::put_pages(&b, 1);
        }
    };
    put_all(first, mib);
    for (std::byte*& b : first) ASSERT_EQ(shared_store::get_resident(cls, &b, 1).count, 1U);
    put_all(first, mib);
    put_all(between, 2 * mib);
}

// They want more idle memory than is allowed for; so they would pay for ever, each for what the last one put.
TEST_F(IdleBesideLent, GetsOfTheSameSizesAgainAndAgainComeToAnEndOfPaying) {
    std::vector<synk::bytes> held;
    fill(held, 3 * limit);
    std::vector<std::size_t> sizes;
    for (std::size_t n = largest; n >= 8 * kib; n -= n / 16) sizes.push_back(n);
    const auto get_and_put_each = [&] {
        for (const std::size_t n : sizes) static_cast<void>(synk::get_sized_pool().get_sized(n));
    };
    for (int i = 0; i < 1'000; ++i) get_and_put_each();
    const auto paid = given_back();
    for (int i = 0; i < 100; ++i) get_and_put_each();
    EXPECT_EQ(given_back(), paid);
    EXPECT_LE(synk::stats().idle, limit);
}

// A thread whose growth is due would else empty all caches at each of its gets: what it then finds is not new, and so
// does not end its being due.
TEST_F(IdleBesideLent, WhereItIsDueAThreadTakesPagesWithoutMemoryBeforeWhatOthersKeep) {
    constexpr unsigned long_due = 256;
    std::vector<synk::bytes> held;
    while (lent() < 3 * limit) held.push_back(synk::get_sized_pool().get_sized(mib));
    for (std::size_t i = 0; i < 4; ++i) held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
    worker other;
    for (int i = 0; i < 12; ++i) // more than what it puts together first once it has paid
        other.run([] {
            std::vector<synk::bytes> mine;
            while (mine.size() < 64) mine.push_back(synk::get_sized_pool().get_sized(16 * kib));
        });
    inside::shared_store::empty_channels();
    while (inside::shared_store::purge(4 * mib) != 0) {
    }
    const std::size_t kept = synk::stats().idle_cached, mapped_before = mapped();
    ASSERT_GE(kept, 256 * kib);
    inside::thread_caches::own()->evictions = long_due;
    ASSERT_TRUE(inside::growth::has_to_pay() && inside::growth::is_due());
    held.push_back(synk::get_sized_pool().get_sized(256 * kib));
    EXPECT_GE(synk::stats().idle_cached, kept);
    EXPECT_EQ(mapped(), mapped_before);
}

// A chunk of blocks, some of which are free pages again, with their memory or without.
class piecemeal_chunk {
public:
    explicit piecemeal_chunk(std::size_t block) : cls_(inside::class_of(block)), blocks_(inside::chunk_size / block) {
        const unsigned first = inside::shared_store::get_new(cls_, blocks_.data(), 1).count;
        EXPECT_EQ(first, 1U);
        for (std::size_t i = 1; i < blocks_.size(); ++i)
            EXPECT_EQ(inside::shared_store::get(cls_, &blocks_[i], 1).count, 1U);
    }
    piecemeal_chunk(const piecemeal_chunk&) = delete;
    piecemeal_chunk& operator=(const piecemeal_chunk&) = delete;
    ~piecemeal_chunk() {
        for (std::byte* const block : blocks_)
            if (block != nullptr) inside::shared_store::put({block, inside::class_bytes(cls_)});
    }

    void free(std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) {
            EXPECT_TRUE(inside::budget.take(inside::class_bytes(cls_)));
            inside::shared_store::put_pages(&blocks_[i], 1);
            blocks_[i] = nullptr;
        }
    }
    void free_gone(std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i)
            EXPECT_EQ(inside::chunk_store::free_gone(std::exchange(blocks_[i], nullptr)), 0U);
    }
    [[nodiscard]] std::byte* block(std::size_t i) const { return blocks_[i]; }

private:
    unsigned cls_;
    std::vector<std::byte*> blocks_;
};

using inside::shared_store;

void put_back(unsigned cls, std::byte* block) {
    ASSERT_TRUE(inside::budget.take(inside::class_bytes(cls)));
    shared_store::put_pages(&block, 1);
}

// Though the chunk that has the shorter one has a longer run without memory, too.
TEST_F(IdleBesideLent, TheShortestResidentRunIsCutInWhicheverChunkItLies) {
    constexpr unsigned cls = inside::class_of(256 * kib);
    piecemeal_chunk longer(256 * kib), shorter(256 * kib);
    std::byte* const wanted = shorter.block(10);
    longer.free(4, 3);
    shorter.free_gone(2, 4);
    shorter.free(10, 1);
    std::byte* found = nullptr;
    ASSERT_EQ(shared_store::get_resident(cls, &found, 1).count, 1U);
    EXPECT_EQ(found, wanted);
    put_back(cls, found);
}

TEST_F(IdleBesideLent, AChunkThatHadNoResidentRunIsLookedAtAgainOnceItHas) {
    constexpr unsigned cls = inside::class_of(256 * kib);
    piecemeal_chunk chunk(256 * kib);
    chunk.free_gone(2, 4);
    chunk.free(8, 1); // resident, and so the chunk is one to look at
    std::byte *found = nullptr, *none = nullptr;
    ASSERT_EQ(shared_store::get_resident(cls, &found, 1).count, 1U);
    ASSERT_EQ(shared_store::get_resident(cls, &none, 1).count, 0U);
    put_back(cls, found);
    EXPECT_EQ(shared_store::get_resident(cls, &found, 1).count, 1U);
    put_back(cls, found);
}

// Rather than the shortest run that holds the block, which would be new as a whole.
TEST_F(IdleBesideLent, WhereNoResidentRunWillDoTheOneIsCutOfWhichTheLeastIsGone) {
    constexpr unsigned cls = inside::class_of(mib);
    piecemeal_chunk gone(256 * kib), half(256 * kib), most(256 * kib);
    gone.free_gone(2, 4);
    gone.free(8, 1); // or it would not be looked at
    half.free_gone(2, 4);
    half.free(6, 2);
    std::byte* const wanted = most.block(3);
    most.free(4, 3);
    most.free_gone(3, 1);
    most.free_gone(7, 4);
    std::byte* found = nullptr;
    const inside::found_blocks got = shared_store::get_least_gone(cls, &found);
    ASSERT_EQ(got.count, 1U);
    EXPECT_EQ(got.cold_bytes, 256 * kib);
    EXPECT_TRUE(found == wanted || found == wanted + 256 * kib) << "three quarters are resident in either place";
    put_back(cls, found);
}

TEST_F(IdleBesideLent, WhereNothingIsResidentThereIsNoSuchRun) {
    piecemeal_chunk chunk(256 * kib);
    chunk.free_gone(2, 8);
    std::byte* found = nullptr;
    EXPECT_EQ(shared_store::get_least_gone(inside::class_of(mib), &found).count, 0U);
}

TEST_F(IdleBesideLent, ShortRunsGoBeforeLongOnes) {
    piecemeal_chunk first(128 * kib), second(128 * kib);
    first.free(4, 8);
    second.free(4, 2);
    EXPECT_EQ(shared_store::purge(256 * kib), 256 * kib);
    std::byte* found = nullptr;
    ASSERT_EQ(shared_store::get_resident(inside::class_of(mib), &found, 1).count, 1U) << "the long run was broken";
    put_back(inside::class_of(mib), found);
    EXPECT_EQ(shared_store::purge(mib), mib) << "but it goes where it must";
}

// What is short is not worth breaking a huge page, where there is as much elsewhere.
TEST_F(IdleBesideLent, ShortRunsGoBeforeHugePagesAreBroken) {
    constexpr unsigned cls = inside::class_of(256 * kib);
    synk::options o = quiet_with_limit(limit);
    o.huge = synk::huge_pages::on;
    synk::configure(o);
    piecemeal_chunk on_huge_pages(256 * kib);
    synk::configure(quiet_with_limit(limit));
    piecemeal_chunk other(256 * kib);
    std::byte* const stays = on_huge_pages.block(4);
    on_huge_pages.free(4, 1);
    other.free(4, 1);
    EXPECT_EQ(shared_store::purge(256 * kib), 256 * kib);
    std::byte* found = nullptr;
    ASSERT_EQ(shared_store::get_resident(cls, &found, 1).count, 1U);
    EXPECT_EQ(found, stays);
    put_back(cls, found);
}

// A thread that has paid: what it keeps would be missing to its longer gets.
TEST_F(IdleBesideLent, AfterItHasPaidAThreadsMissesPutTogetherWhatItKeeps) {
    inside::cache_record& own = *inside::thread_caches::own();
    piecemeal_chunk chunk(128 * kib);
    auto kept_after_a_miss = [&, i = std::size_t{0}](unsigned gathers_first) mutable {
        static_cast<void>(synk::get_sized_pool().get_sized(64 * kib));
        EXPECT_GE(synk::stats().idle_cached, 64 * kib);
        chunk.free(i, 1); // for the next get
        i += 2;
        own.gathers_first = gathers_first;
        const synk::bytes missed = synk::get_sized_pool().get_sized(128 * kib);
        const std::size_t kept = synk::stats().idle_cached;
        synk::trim();
        return kept;
    };
    EXPECT_GE(kept_after_a_miss(1), 64 * kib) << "there is nothing to pay";
    EXPECT_EQ(own.gathers_first, 0U);

    std::vector<synk::bytes> held;
    while (lent() < 3 * limit) held.push_back(synk::get_sized_pool().get_sized(largest));
    held.clear();
    while (lent() < 3 * limit) held.push_back(synk::get_sized_pool().get_sized(largest + 1));
    EXPECT_GT(own.gathers_first, 0U) << "it has paid";
    synk::trim();
    EXPECT_GE(kept_after_a_miss(0), 64 * kib);
    EXPECT_EQ(kept_after_a_miss(1), 0U);
}

} // namespace
