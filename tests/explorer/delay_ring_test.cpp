// The quarantine's ring under every interleaving: an item is laid once and comes out once, seen as it was laid; nothing
// makes way before its time, and a sweep finds what lies where others have looked already.
#include "hardened/delay_ring.hpp"

#include <gtest/gtest.h>

#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace {

using namespace synk_explorer;

// Items are 1, 2, ...; their owner uses the payload of that number.
struct ring_world {
    synk::detail::basic_delay_ring<2> ring;
    payloads<6> contents;
    unsigned out[5] = {}; // a thread's, and the last for what is found in the end

    void lay(unsigned self, std::uint64_t item) {
        contents.use(static_cast<unsigned>(item));
        take(self, ring.push(item));
    }
    // For as many as there are slots.
    void lay_first(std::uint64_t item) {
        contents.use(static_cast<unsigned>(item));
        require(ring.push(item) == 0, "an item made way before its time");
    }
    bool pop(unsigned self) { return take(self, ring.pop(ring.head())); }
    void sweep(unsigned self) {
        ring.sweep([&](std::uint64_t item) { take(self, item); });
    }
    bool take(unsigned self, std::uint64_t item) {
        if (item == 0) return false;
        contents.use(static_cast<unsigned>(item));
        out[self] |= 1U << item;
        return true;
    }
    // Each of so many items has come out, or is still there, once.
    void expect_all(unsigned items) {
        sweep(4);
        unsigned sum = 0;
        for (const unsigned o : out) {
            require((sum & o) == 0, "an item came out twice");
            sum |= o;
        }
        require(sum == (2U << items) - 2, "an item is lost");
    }
};

// More are laid than there is room for, while others take them out.
struct laying : ring_world {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) lay(0, 1), lay(0, 2);
        if (i == 1) lay(1, 3), pop(1);
        if (i == 2) pop(2), sweep(2);
    }
    void finish() { expect_all(3); }
};

// There is room for all: none makes way.
struct room_for_all : ring_world {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i < 2)
            lay_first(i + 1);
        else
            pop(2);
    }
    void finish() { expect_all(2); }
};

// What lies there when two come for it is found by both, in whatever order.
struct popping : ring_world {
    static constexpr unsigned threads = 2;
    popping() {
        lay_first(1);
        lay_first(2);
    }
    void thread(unsigned i) { require(pop(i), "an item lies there, and nobody is told of it"); }
    void finish() { expect_all(2); }
};

// First in, first out, and not what was laid later than wanted.
struct in_turn : ring_world {
    static constexpr unsigned threads = 1;
    void thread(unsigned) {
        lay_first(1);
        const std::uint64_t end = ring.head();
        lay_first(2);
        require(ring.pop(end) == 1 && ring.pop(end) == 0 && ring.pop(ring.head()) == 2, "not first in, first out");
        contents.use(1), contents.use(2);
        require(ring.push(3) == 0 && ring.push(4) == 0 && ring.push(5) == 3, "a whole round ago: not the oldest");
        require(ring.pop(ring.head()) == 4 && ring.pop(ring.head()) == 5, "not first in, first out");
        require(!pop(0), "an item comes from nowhere");
    }
    void finish() {}
};

const std::vector<program> worlds{program_of<laying>("ring"), program_of<room_for_all>("ring_room"),
                                  program_of<popping>("ring_popping"), program_of<in_turn>("ring_in_turn")};

TEST(DelayRing, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 2}), "");
}

TEST(DelayRing, MutantsAreFound) {
    constexpr auto back =
        "equivalent: tail goes back, and pop() passes slots once more that are empty: an item of the next "
        "round is in none of them, as oldest() begins a round before head";
    const std::vector<equivalent> listed{{"if (!tail_.compare_exchange_weak(", "blind", back},
                                         {"if (!tail_.compare_exchange_weak(", "split", back}};
    EXPECT_EQ(survivors(worlds, "hardened/delay_ring.hpp", listed), "");
}

} // namespace
