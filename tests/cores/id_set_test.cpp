// The set of ids that knows its lowest member, against std::set, at the edges of its levels, and under threads.
#include "chunks/id_set.hpp"

#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk::detail;

constexpr unsigned capacity = 1U << 20;
using big_set = id_set<capacity>;

// 64 ids a bottom word, 4,096 a middle word, 262,144 a top word.
const std::vector<unsigned> edges{
    0,    1,    62,     63,     64,     65,     127,    128,          4094,          4095,
    4096, 4097, 262142, 262143, 262144, 262145, 524287, capacity / 2, capacity - 65, capacity - 1};

std::vector<unsigned> members(big_set& s) {
    std::vector<unsigned> all;
    for (unsigned id = s.lowest(); id != s.none; id = s.next(id + 1)) all.push_back(id);
    return all;
}

TEST(IdSet, BeginsEmpty) {
    const auto s = std::make_unique<big_set>();
    EXPECT_EQ(s->lowest(), s->none);
    EXPECT_EQ(s->next(capacity - 1), s->none);
    EXPECT_EQ(s->next(capacity), s->none);
    EXPECT_FALSE(s->contains(0));
}

TEST(IdSet, HoldsOneIdAtEveryEdge) {
    const auto s = std::make_unique<big_set>();
    for (const unsigned id : edges) {
        EXPECT_TRUE(s->insert(id));
        EXPECT_FALSE(s->insert(id)) << "it is in already";
        EXPECT_TRUE(s->contains(id));
        EXPECT_EQ(s->lowest(), id);
        EXPECT_EQ(s->next(id), id);
        EXPECT_EQ(s->next(id + 1), s->none);
        EXPECT_TRUE(s->erase(id));
        EXPECT_FALSE(s->erase(id)) << "it is out already";
        EXPECT_EQ(s->lowest(), s->none);
    }
}

TEST(IdSet, FindsWhatTwoSetsHaveInCommon) {
    const auto odd = std::make_unique<big_set>(), some = std::make_unique<big_set>();
    for (const unsigned id : edges) {
        if (id % 2 != 0) odd->insert(id);
        some->insert(id);
    }
    some->erase(127);
    unsigned patience = ~0U;
    std::vector<unsigned> found;
    for (unsigned id = odd->next_common(*some, 0, patience); id != odd->none;
         id = odd->next_common(*some, id + 1, patience))
        found.push_back(id);
    EXPECT_THAT(found,
                testing::ElementsAre(1, 63, 65, 4095, 4097, 262143, 262145, 524287, capacity - 65, capacity - 1));
    EXPECT_EQ(odd->next_common(*some, capacity, patience), odd->none);
}

TEST(IdSet, LooksForWhatIsCommonOnlyAsLongAsItHasPatience) {
    const auto s = std::make_unique<big_set>(), other = std::make_unique<big_set>();
    for (unsigned word = 0; word < 10; ++word) s->insert(word * 64);
    other->insert(5 * 64);
    unsigned patience = 6;
    EXPECT_EQ(s->next_common(*other, 0, patience), 5U * 64);
    EXPECT_EQ(patience, 1U); // what is found costs nothing
    patience = 5;
    EXPECT_EQ(s->next_common(*other, 0, patience), s->none);
    EXPECT_EQ(patience, 0U);
    EXPECT_EQ(s->next_common(*other, 5 * 64, patience), s->none);
}

TEST(IdSet, WalksAllEdgesInOrder) {
    const auto s = std::make_unique<big_set>();
    for (auto id = edges.rbegin(); id != edges.rend(); ++id) s->insert(*id);
    EXPECT_EQ(members(*s), edges);
}

TEST(IdSet, OfEverySizeEndsWhereItSays) {
    id_set<1> one;
    EXPECT_TRUE(one.insert(0));
    EXPECT_EQ(one.lowest(), 0U);
    id_set<65> odd;
    EXPECT_TRUE(odd.insert(64));
    EXPECT_EQ(odd.lowest(), 64U);
    EXPECT_EQ(odd.next(65), odd.none);
    id_set<4097> middle;
    EXPECT_TRUE(middle.insert(4096));
    EXPECT_EQ(middle.lowest(), 4096U);
}

// Ids that share words at some level, so that words become empty and full again.
unsigned crowded_id(synk_test::random_source& random) {
    const unsigned base = edges[random.below(edges.size())];
    const auto id = base + static_cast<unsigned>(random.below(4));
    return id < capacity ? id : base;
}

TEST(IdSet, BehavesLikeAStandardSet) {
    synk_test::random_source random = synk_test::seeded();
    const auto s = std::make_unique<big_set>();
    std::set<unsigned> model;
    for (std::size_t step = 0; step < synk_test::effort(500'000); ++step) {
        const unsigned id = random.one_in(4) ? static_cast<unsigned>(random.below(capacity)) : crowded_id(random);
        if (random.below(100) < 48)
            ASSERT_EQ(s->insert(id), model.insert(id).second) << id;
        else
            ASSERT_EQ(s->erase(id), model.erase(id) != 0) << id;
        ASSERT_EQ(s->contains(id), model.contains(id));
        ASSERT_EQ(s->lowest(), model.empty() ? s->none : *model.begin());
        const auto behind = model.lower_bound(id);
        ASSERT_EQ(s->next(id), behind == model.end() ? s->none : *behind) << id;
    }
    EXPECT_EQ(members(*s), std::vector<unsigned>(model.begin(), model.end()));
}

// Each thread has ids of its own, which share words with those of the others: nobody may lose another's member.
TEST(IdSet, LosesNoMemberOfAnotherThread) {
    synk_test::random_source random = synk_test::seeded();
    constexpr unsigned threads = 4;
    const auto s = std::make_unique<big_set>();
    std::vector<std::set<unsigned>> models(threads);
    const std::uint64_t seed = random.next();
    synk_test::run_threads(threads, [&](unsigned i) {
        synk_test::random_source mine(seed + i);
        for (std::size_t step = 0; step < synk_test::effort(1'500'000); ++step) {
            const unsigned base = edges[mine.below(edges.size())] & ~3U;
            const unsigned id = base + i;
            const bool in = models[i].contains(id);
            if (in ? !s->erase(id) : !s->insert(id)) ADD_FAILURE() << id << " was changed by another";
            if (in)
                models[i].erase(id);
            else
                models[i].insert(id);
            static_cast<void>(s->next(id & ~63U)); // readers mend upper bits: they take part
        }
    });
    std::set<unsigned> all;
    for (const auto& m : models) all.insert(m.begin(), m.end());
    EXPECT_EQ(members(*s), std::vector<unsigned>(all.begin(), all.end()));
}

// Many erase the same ids: each is told to one of them.
TEST(IdSet, AnErasedIdHasOneTaker) {
    constexpr unsigned ids = 8192;
    const auto s = std::make_unique<big_set>();
    for (std::size_t round = 0; round < synk_test::effort(200); ++round) {
        for (unsigned id = 0; id < ids; ++id) s->insert(id);
        std::atomic<unsigned> taken{0};
        synk_test::run_threads(4, [&](unsigned) {
            for (unsigned id = s->lowest(); id != s->none; id = s->lowest())
                if (s->erase(id)) ++taken;
        });
        ASSERT_EQ(taken, ids);
        ASSERT_EQ(s->lowest(), s->none);
    }
}

} // namespace
