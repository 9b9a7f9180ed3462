// One thread gets and another puts, in lock-step, sizes of all tiers mixed: what is on its way between them is all that
// there ever is, so nothing is dropped for want of room and nothing goes to the system, and neither keeps more for
// itself than is worth passing on in one go.
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "budget/idle_budget.hpp"
#include "channel/channels.hpp"
#include "support/fresh_pool.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

// Of the calling thread's cache: bytes that lie in it or may.
std::size_t reserved_by_own() {
    return inside::thread_caches::own()->reserved.load(synk::detail::memory_order_relaxed);
}

class HandOver : public fresh_pool {
protected:
    // So many blocks of tiers below `tiers` go from the getter to this thread, `window` at a time.
    void pass(std::size_t blocks, std::size_t window, unsigned tiers) {
        for (; blocks >= window; blocks -= window) {
            std::vector<synk::bytes> held(window);
            getter_.run([&] {
                for (synk::bytes& b : held) b = synk::get_sized_pool().get_sized(page << random_.below(tiers));
            });
        }
    }
    [[nodiscard]] std::size_t reserved_by_getter() {
        std::size_t bytes = 0;
        getter_.run([&bytes] { bytes = reserved_by_own(); });
        return bytes;
    }

    worker getter_;

private:
    random_source random_{1};
};

TEST_F(HandOver, GivesNothingUpAndFattensNoCache) {
    pass(32'000, 64, 11);
    const synk::statistics warm = synk::stats();
    pass(32'000, 64, 11);
    EXPECT_EQ(synk::stats().dropped, warm.dropped);
    EXPECT_EQ(synk::stats().given_back, warm.given_back);
    EXPECT_LE(reserved_by_own(), 16 * mib) << "it puts what it never gets";
    EXPECT_LE(reserved_by_getter(), 8 * mib) << "it gets what it never puts";
}

// Room that a thread had for puts of its own is others' once it only gets.
TEST_F(HandOver, LeavesNoRoomToAThreadThatOnlyGets) {
    constexpr unsigned tiers = 6; // of which a get that misses brings several
    getter_.run([] {
        for (unsigned tier = 0; tier < tiers; ++tier) {
            std::vector<synk::bytes> held;
            for (int i = 0; i < 64; ++i) held.push_back(synk::get_sized_pool().get_sized(page << tier));
        }
    });
    const std::size_t before = reserved_by_getter();
    pass(8'000, 16, tiers);
    EXPECT_LE(reserved_by_getter(), before / 2);
}

// A thread that only puts passes on all that it has of a class each time: it is at the channel as seldom as its room
// allows. Of long blocks two go together, and no room is kept for the next one.
TEST_F(HandOver, PutsAllOnTheWayAtOnce) {
    for (const auto& [size, at_once] : {std::pair(8 * kib, 32U), std::pair(32 * kib, 8U), std::pair(1 * mib, 2U)}) {
        const unsigned cls = inside::class_of(size);
        const auto in_channel = [=] { return inside::channel_of(cls).size(inside::kind_of(cls)); };
        std::vector<synk::bytes> held(3 * at_once + 1);
        getter_.run([&] {
            for (synk::bytes& b : held) b = synk::get_sized_pool().get_sized(size);
        });
        for (unsigned visits = 0; synk::bytes & b : held) {
            const unsigned before = in_channel();
            b.reset();
            if (in_channel() != before) {
                EXPECT_EQ(in_channel() - before, at_once) << size;
                EXPECT_EQ(inside::thread_caches::own()->count(cls), size < mib ? 1U : 0U) << size;
                EXPECT_EQ(inside::thread_caches::own()->limit(cls), size < mib ? at_once : 0U) << size;
                ++visits;
            }
            EXPECT_LE(visits, 3U) << size;
        }
        EXPECT_EQ(in_channel(), 3 * at_once) << size;
    }
}

// Where the budget has no room for more, what is passed on goes with the room of its bin.
TEST_F(HandOver, NeverReservesWhatTheBudgetDoesNotHave) {
    synk::configure(quiet_with_limit(16 * mib));
    for (const auto& [size, puts] : {std::pair(32 * kib, 9U), std::pair(1 * mib, 2U)}) {
        std::vector<synk::bytes> held(puts);
        getter_.run([&] {
            for (synk::bytes& b : held) b = synk::get_sized_pool().get_sized(size);
        });
        const std::uint64_t dropped = synk::stats().dropped;
        while (held.size() > 1) held.pop_back();
        const std::size_t rest = 16 * mib - inside::budget.reserved();
        ASSERT_TRUE(inside::budget.take(rest));
        held.clear();
        inside::budget.give(rest);
        EXPECT_EQ(inside::thread_caches::own()->limit(inside::class_of(size)), size < mib ? 1U : 0U) << size;
        inside::thread_caches::behind_own_gate(inside::thread_caches::empty);
        getter_.run([] { inside::thread_caches::behind_own_gate(inside::thread_caches::empty); });
        EXPECT_EQ(inside::budget.reserved(), synk::stats().idle)
            << size << ", dropped " << synk::stats().dropped - dropped;
    }
}

} // namespace
