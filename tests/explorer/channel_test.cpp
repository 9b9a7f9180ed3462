// The channel under every interleaving: no block is lost, none is got twice, and who gets one sees it as it was put.
#include <gtest/gtest.h>

#include "channel/channel.hpp"
#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace {

using namespace synk_explorer;
using synk::detail::channel;

// Blocks, and how many of them each thread holds.
template <unsigned Bound, unsigned Blocks>
struct traffic {
    static constexpr unsigned threads = 4;
    channel c{Bound};
    payloads<Blocks> blocks;
    bool held[threads][Blocks]{};

    void put(unsigned self, unsigned kind, unsigned first, unsigned n) {
        std::byte* items[Blocks];
        for (unsigned i = 0; i < n; ++i) items[i] = blocks.block(first + i);
        blocks.use(first, n);
        const unsigned done = c.put(kind, items, n);
        require(done <= n, "more blocks put than there were");
        for (unsigned i = done; i < n; ++i) hold(self, items[i]);
    }
    void get(unsigned self, unsigned kind, unsigned n) {
        std::byte* items[channel::group_slots];
        const unsigned done = c.get(kind, items, n);
        require(done <= n, "more blocks got than were asked for");
        for (unsigned i = 0; i < done; ++i) hold(self, items[i]);
    }
    unsigned get_stale(unsigned self) {
        std::byte* items[channel::group_slots];
        const unsigned done = c.get_stale(0, items);
        for (unsigned i = 0; i < done; ++i) hold(self, items[i]);
        return done;
    }
    void hold(unsigned self, const std::byte* item) {
        const unsigned b = blocks.number(item);
        blocks.use(b);
        held[self][b] = true;
    }

    // Every block is held by one thread or lies in the channel.
    void finish() {
        require(c.size() <= Bound, "more blocks than the bound");
        unsigned total = 0;
        std::byte* items[channel::group_slots];
        for (unsigned kind = 0; kind < channel::kinds; ++kind)
            for (unsigned n = c.get(kind, items, channel::group_slots); n != 0;
                 n = c.get(kind, items, channel::group_slots))
                for (unsigned i = 0; i < n; ++i, ++total) require(!anybody_holds(items[i]), "a block is there twice");
        for (unsigned b = 0; b < Blocks; ++b)
            if (anybody_holds(blocks.block(b))) ++total;
        require(total == Blocks, "a block is lost, or there twice");
        require(c.size() == 0, "a slot is lost");
    }
    bool anybody_holds(const std::byte* item) const {
        unsigned holders = 0;
        for (const auto& mine : held)
            if (mine[blocks.number(item)]) ++holders;
        require(holders < 2, "two hold one block");
        return holders != 0;
    }
};

struct two_put_two_get : traffic<3, 4> {
    void thread(unsigned i) {
        if (i < 2)
            put(i, 0, i * 2, 2);
        else
            get(i, 0, 2);
    }
};

// One slot only: it is filled again as soon as it is emptied.
struct one_slot : traffic<1, 4> {
    void thread(unsigned i) {
        if (i < 2) {
            put(i, 0, i * 2, 1);
            put(i, 0, i * 2 + 1, 1);
        } else {
            get(i, 0, 1);
            get(i, 0, 1);
        }
    }
};

struct kinds_apart : traffic<2, 4> {
    void thread(unsigned i) {
        if (i < 2)
            put(i, i, i * 2, 2);
        else
            get(i, i - 2, 2);
    }
    void finish() {
        for (unsigned b = 0; b < 4; ++b) require(!held[3 - b / 2][b], "a block of another kind");
        traffic::finish();
    }
};

struct with_stale : traffic<3, 4> {
    void thread(unsigned i) {
        if (i < 2)
            put(i, i, i * 2, 2);
        else if (i == 2)
            get(i, 0, 1);
        else
            static_cast<void>(get_stale(i) + get_stale(i));
    }
};

// Alone with the group there is no doubt of what is fresh.
struct stale_alone : traffic<4, 2> {
    static constexpr unsigned threads = 1;
    void thread(unsigned) {
        put(0, 0, 0, 1);
        require(get_stale(0) == 0, "a fresh block is taken as stale");
        put(0, 1, 1, 1);
        require(get_stale(0) == 1, "a stale block stays, or a fresh one does not");
        require(get_stale(0) == 1, "a stale block stays");
    }
};

// Puts that have ended are seen as fresh, whoever made them.
struct stale_after_puts : traffic<2, 2> {
    static constexpr unsigned threads = 3;
    synk::detail::atomic<unsigned> ended{0};
    void thread(unsigned i) {
        if (i < 2) {
            put(i, 0, i, 1);
            ended.fetch_add(1, std::memory_order_release);
        } else {
            while (ended.load(std::memory_order_acquire) != 2) the_machine.yield();
            require(get_stale(i) == 0, "a fresh block is taken as stale");
        }
    }
};

// A group that is full, so that blocks go into the next one, and are found there.
struct two_groups : traffic<66, 68> {
    two_groups() { put(0, 0, 0, 64); }
    void thread(unsigned i) {
        if (i < 2)
            put(i, 0, 64 + i * 2, 2);
        else
            get(i, 0, i == 2 ? 2 : 1);
    }
};

const std::vector<program> worlds{
    program_of<two_put_two_get>("channel"),         program_of<one_slot>("channel_one_slot"),
    program_of<kinds_apart>("channel_kinds"),       program_of<with_stale>("channel_stale"),
    program_of<stale_alone>("channel_stale_alone"), program_of<stale_after_puts>("channel_stale_after_puts"),
    program_of<two_groups>("channel_two_groups")};

TEST(Channel, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 1}), "");
}

TEST(Channel, MutantsAreFound) {
    const std::vector<equivalent> listed{{"fresh.exchange(0", "split",
                                          "equivalent: a put between the halves loses its mark as one just before the "
                                          "call does, which get_stale allows"}};
    EXPECT_EQ(survivors(worlds, "channel/channel.hpp", listed), "");
}

} // namespace
