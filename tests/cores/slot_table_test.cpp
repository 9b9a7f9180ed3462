// A table of records that are handed out, given back and handed out again, and never go away.
#include "chunks/slot_table.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/random.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk::detail;

struct record {
    explicit record(unsigned number) noexcept : id(number) {}
    const unsigned id;
    unsigned uses = 0; // plain: one owner at a time
};

template <unsigned Capacity>
using table = slot_table<record, Capacity>;

TEST(SlotTable, HandsOutAllIdsOnceAndThenNothing) {
    const auto t = std::make_unique<table<200>>(); // no multiple of what it grows by
    EXPECT_EQ(t->limit(), 0U);
    for (unsigned i = 0; i < 200; ++i) {
        record* const r = t->take();
        ASSERT_NE(r, nullptr);
        EXPECT_EQ(r->id, i);
        EXPECT_EQ(t->at(i), r);
        EXPECT_EQ(t->limit(), i + 1);
    }
    EXPECT_EQ(t->take(), nullptr);
    EXPECT_EQ(t->take(), nullptr);
    EXPECT_EQ(t->limit(), 200U);
    t->give_back(*t->at(77));
    ASSERT_NE(t->take(), nullptr);
    EXPECT_EQ(t->take(), nullptr);
}

TEST(SlotTable, HandsOutTheLowestThatCameBack) {
    const auto t = std::make_unique<table<1000>>();
    for (unsigned i = 0; i < 500; ++i) ASSERT_NE(t->take(), nullptr);
    for (const unsigned id : {400U, 3U, 64U}) t->give_back(*t->at(id));
    EXPECT_EQ(t->take()->id, 3U);
    EXPECT_EQ(t->take()->id, 64U);
    EXPECT_EQ(t->take()->id, 400U);
    EXPECT_EQ(t->take()->id, 500U);
}

TEST(SlotTable, KeepsWhatARecordHolds) {
    const auto t = std::make_unique<table<100>>();
    record* const r = t->take();
    r->uses = 42;
    t->give_back(*r);
    EXPECT_EQ(t->at(r->id), r);
    EXPECT_EQ(t->take(), r);
    EXPECT_EQ(r->uses, 42U) << "a record is constructed once";
}

TEST(SlotTable, HasNoRecordWhereNoneWasMade) {
    const auto t = std::make_unique<table<1000>>();
    ASSERT_NE(t->take(), nullptr);
    EXPECT_EQ(t->at(999), nullptr);
}

TEST(SlotTable, LosesNoIdWhenThereIsNoMemory) {
    const auto t = std::make_unique<table<100>>();
    {
        const synk_test::system_that_refuses system({.map = true});
        while (take_record_memory(64) != nullptr) {
        }
        EXPECT_EQ(t->take(), nullptr);
    }
    EXPECT_EQ(t->take()->id, 0U);
}

TEST(SlotTable, ARecordHasOneOwnerUnderThreads) {
    constexpr unsigned few = 150; // fewer than the threads want
    const auto t = std::make_unique<table<few>>();
    std::array<std::atomic<unsigned>, few> owners{};
    std::atomic<unsigned> uses{0};
    synk_test::random_source random = synk_test::seeded();
    const std::uint64_t seed = random.next();
    synk_test::run_threads(4, [&](unsigned i) {
        synk_test::random_source mine(seed + i);
        std::vector<record*> held;
        for (std::size_t step = 0; step < synk_test::effort(1'000'000); ++step) {
            if (mine.one_in(2)) {
                record* const r = t->take();
                if (r == nullptr) continue;
                if (owners[r->id].fetch_add(1) != 0) ADD_FAILURE() << r->id << " has two owners";
                ++r->uses;
                ++uses;
                held.push_back(r);
            } else if (!held.empty()) {
                std::swap(held[mine.below(held.size())], held.back());
                owners[held.back()->id].fetch_sub(1);
                t->give_back(*held.back());
                held.pop_back();
            }
        }
        for (record* const r : held) {
            owners[r->id].fetch_sub(1);
            t->give_back(*r);
        }
    });
    unsigned counted = 0;
    for (unsigned id = 0; id < t->limit(); ++id) counted += t->at(id)->uses;
    EXPECT_EQ(counted, uses) << "what an owner did to a record was lost";
    for (unsigned i = 0; i < few; ++i) ASSERT_NE(t->take(), nullptr) << "an id was lost";
}

} // namespace
