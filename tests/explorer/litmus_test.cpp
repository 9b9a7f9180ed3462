// The explorer against programs whose outcomes are known: what C++ allows is seen, what it forbids is not, and what is
// broken is found.
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "explorer/atomic.hpp"
#include "explorer/explore.hpp"

namespace {

using namespace synk_explorer;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;
using word = atomic<int>;

// What the threads of a litmus test have read, over all schedules: one number for each, as decimal digits.
std::set<unsigned> seen;

struct litmus {
    word x, y;
    unsigned read[4]{};
    void finish() const { seen.insert(read[0] * 1000 + read[1] * 100 + read[2] * 10 + read[3]); }
};

// All outcomes within three preemptions and three surprises, which is all there are in programs this small; the random
// search must agree.
template <class World>
std::set<unsigned> outcomes() {
    const program p = program_of<World>("litmus");
    seen.clear();
    const findings all = explore_all(p, {3, 3}, {~std::uint64_t{0}, 20});
    EXPECT_TRUE(all.complete && !all.failed);
    const auto systematic = std::exchange(seen, {});
    const findings random = explore_at_random(p, {100'000, 20}, 1);
    EXPECT_FALSE(random.failed);
    EXPECT_EQ(seen, systematic) << "the random search and the systematic one see different things";
    return systematic;
}

using results = std::set<unsigned>;

template <std::memory_order Write, std::memory_order Read>
struct store_buffering : litmus {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        (i == 0 ? x : y).store(1, Write);
        read[i] = static_cast<unsigned>((i == 0 ? y : x).load(Read));
    }
};

TEST(Litmus, StoreBuffering) {
    EXPECT_EQ((outcomes<store_buffering<seq_cst, seq_cst>>()), (results{100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering<release, acquire>>()), (results{0, 100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering<seq_cst, acquire>>()), (results{0, 100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering<release, seq_cst>>()), (results{0, 100, 1000, 1100}));
}

template <bool Second>
struct store_buffering_with_fences : litmus {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        (i == 0 ? x : y).store(1, relaxed);
        if (i == 0 || Second) fence(seq_cst);
        read[i] = static_cast<unsigned>((i == 0 ? y : x).load(relaxed));
    }
};

TEST(Litmus, StoreBufferingWithFences) {
    EXPECT_EQ((outcomes<store_buffering_with_fences<true>>()), (results{100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering_with_fences<false>>()), (results{0, 100, 1000, 1100}));
}

enum class side { light, heavy, none };
template <side First, side Second>
struct store_buffering_asymmetric : litmus {
    static constexpr unsigned threads = 2;
    static void barrier(side s) {
        if (s == side::light) synk::detail::compiler_barrier();
        if (s == side::heavy) membarrier();
    }
    void thread(unsigned i) {
        (i == 0 ? x : y).store(1, relaxed);
        barrier(i == 0 ? First : Second);
        read[i] = static_cast<unsigned>((i == 0 ? y : x).load(relaxed));
    }
};

TEST(Litmus, AsymmetricFences) {
    EXPECT_EQ((outcomes<store_buffering_asymmetric<side::light, side::heavy>>()), (results{100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering_asymmetric<side::heavy, side::heavy>>()), (results{100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering_asymmetric<side::light, side::light>>()), (results{0, 100, 1000, 1100}));
    EXPECT_EQ((outcomes<store_buffering_asymmetric<side::none, side::heavy>>()), (results{0, 100, 1000, 1100}));
}

// read[0] is y, read[1] is x.
template <std::memory_order Write, std::memory_order Read>
struct message_passing : litmus {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        if (i == 0) {
            x.store(1, relaxed);
            y.store(1, Write);
        } else {
            read[0] = static_cast<unsigned>(y.load(Read));
            read[1] = static_cast<unsigned>(x.load(relaxed));
        }
    }
};

TEST(Litmus, MessagePassing) {
    EXPECT_EQ((outcomes<message_passing<release, acquire>>()), (results{0, 100, 1100}));
    EXPECT_EQ((outcomes<message_passing<relaxed, acquire>>()), (results{0, 100, 1000, 1100}));
    EXPECT_EQ((outcomes<message_passing<release, relaxed>>()), (results{0, 100, 1000, 1100}));
}

template <std::memory_order Before, std::memory_order Behind>
struct message_passing_with_fences : litmus {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        if (i == 0) {
            x.store(1, relaxed);
            if (Before != relaxed) fence(Before);
            y.store(1, relaxed);
        } else {
            read[0] = static_cast<unsigned>(y.load(relaxed));
            if (Behind != relaxed) fence(Behind);
            read[1] = static_cast<unsigned>(x.load(relaxed));
        }
    }
};

TEST(Litmus, MessagePassingWithFences) {
    EXPECT_EQ((outcomes<message_passing_with_fences<release, acquire>>()), (results{0, 100, 1100}));
    EXPECT_EQ((outcomes<message_passing_with_fences<relaxed, acquire>>()), (results{0, 100, 1000, 1100}));
    EXPECT_EQ((outcomes<message_passing_with_fences<release, relaxed>>()), (results{0, 100, 1000, 1100}));
}

// A release sequence: the relaxed addition of a third thread carries the message on, a relaxed store does not.
template <bool Addition>
struct release_sequence : litmus {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) {
            x.store(1, relaxed);
            y.store(1, release);
        } else if (i == 1) {
            if (Addition)
                y.fetch_add(2, relaxed);
            else
                y.store(3, relaxed);
        } else {
            read[0] = static_cast<unsigned>(y.load(acquire));
            read[1] = static_cast<unsigned>(x.load(relaxed));
        }
    }
};

TEST(Litmus, ReleaseSequence) {
    EXPECT_EQ((outcomes<release_sequence<true>>()), (results{0, 100, 1100, 2000, 2100, 3100}));
    EXPECT_EQ((outcomes<release_sequence<false>>()), (results{0, 100, 1100, 3000, 3100}));
}

// Two readers of independent writes; both see one and not the other, in opposite orders: 1010.
template <std::memory_order Order, std::memory_order Read = Order>
struct independent_reads : litmus {
    static constexpr unsigned threads = 4;
    void thread(unsigned i) {
        if (i < 2) return (i == 0 ? x : y).store(1, Order);
        const unsigned at = (i - 2) * 2;
        read[at] = static_cast<unsigned>((i == 2 ? x : y).load(Read));
        read[at + 1] = static_cast<unsigned>((i == 2 ? y : x).load(Read));
    }
};

TEST(Litmus, IndependentReadsOfIndependentWrites) {
    EXPECT_FALSE((outcomes<independent_reads<seq_cst>>().contains(1010)));
    EXPECT_TRUE((outcomes<independent_reads<release, acquire>>().contains(1010)));
}

// One object: what was seen newer is not seen older again.
struct coherence : litmus {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        if (i == 0) {
            x.store(1, relaxed);
            x.store(2, relaxed);
        } else {
            read[0] = static_cast<unsigned>(x.load(relaxed));
            read[1] = static_cast<unsigned>(x.load(relaxed));
        }
    }
};

TEST(Litmus, Coherence) { EXPECT_EQ(outcomes<coherence>(), (results{0, 100, 200, 1100, 1200, 2200})); }

// Delayed stores: each thread's first store may end up behind the other's second (11), releasing or not.
struct two_plus_two_writes {
    static constexpr unsigned threads = 2;
    word x, y;
    void thread(unsigned i) {
        (i == 0 ? x : y).store(1, release);
        (i == 0 ? y : x).store(2, release);
    }
    void finish() const {
        seen.insert(static_cast<unsigned>(x.load(relaxed)) * 10 + static_cast<unsigned>(y.load(relaxed)));
    }
};

TEST(Litmus, DelayedStores) { EXPECT_EQ(outcomes<two_plus_two_writes>(), (results{11, 12, 21, 22})); }

struct additions {
    static constexpr unsigned threads = 3;
    word x;
    void thread(unsigned) { x.fetch_add(1, relaxed); }
    void finish() const { require(x.load(relaxed) == 3, "an addition is lost"); }
};

template <std::memory_order Failure>
struct failed_exchange : litmus {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        if (i == 0) {
            x.store(1, relaxed);
            y.store(1, release);
        } else {
            int expected = 7;
            read[2] = y.compare_exchange_strong(expected, 8, relaxed, Failure) ? 1 : 0;
            read[0] = static_cast<unsigned>(expected);
            read[1] = static_cast<unsigned>(x.load(relaxed));
        }
    }
};

TEST(Litmus, FailedCompareExchange) {
    EXPECT_EQ((outcomes<failed_exchange<acquire>>()), (results{0, 100, 1100}));
    EXPECT_EQ((outcomes<failed_exchange<relaxed>>()), (results{0, 100, 1000, 1100}));
}

TEST(Litmus, AdditionsAreNotLost) { EXPECT_EQ(broken(program_of<additions>("additions"), {3, 3}), ""); }

// ---- Algorithms ----

// A failure is found, by either search, and a replay of its record fails in the same way.
template <class World>
void expect_found(const char* name) {
    const program p = program_of<World>(name);
    const findings all = explore_all(p, {2, 2}, {10'000'000, 20});
    EXPECT_TRUE(all.failed) << name << ": not found by the systematic search";
    const findings random = explore_at_random(p, {1'000'000, 20}, 1);
    EXPECT_TRUE(random.failed) << name << ": not found at random";
    const auto record = shrunk(p, random.record);
    const std::string first = report(p, record);
    EXPECT_EQ(first.find("every promise is kept"), first.npos) << first;
    EXPECT_EQ(report(p, from_text(to_text(record))), first);
}

struct lock_world {
    static constexpr unsigned threads = 2;
    plain<int> data;
    void finish() const { require(data == 2, "an addition behind the lock is lost"); }
    void add() { data = data + 1; }
};

template <std::memory_order Lock, std::memory_order Unlock>
struct spinlock : lock_world {
    word locked;
    void thread(unsigned) {
        while (locked.exchange(1, Lock) != 0) the_machine.yield();
        add();
        locked.store(0, Unlock);
    }
};

TEST(Algorithms, Spinlock) {
    EXPECT_EQ(broken(program_of<spinlock<acquire, release>>("spinlock"), {3, 2}), "");
    expect_found<spinlock<acquire, relaxed>>("spinlock_that_releases_nothing");
    expect_found<spinlock<relaxed, release>>("spinlock_that_acquires_nothing");
}

// Tries once: who meets the other's flag goes away.
template <std::memory_order Write, std::memory_order Read>
struct dekker {
    static constexpr unsigned threads = 2;
    word flag[2];
    plain<int> data;
    void thread(unsigned i) {
        flag[i].store(1, Write);
        if (flag[1 - i].load(Read) == 0) data = static_cast<int>(i);
    }
    void finish() const {}
};

TEST(Algorithms, Dekker) {
    EXPECT_EQ(broken(program_of<dekker<seq_cst, seq_cst>>("dekker"), {3, 3}), "");
    expect_found<dekker<release, acquire>>("dekker_without_seq_cst");
}

template <std::memory_order Write, std::memory_order Read>
struct peterson : lock_world {
    word interested[2], turn;
    void thread(unsigned i) {
        interested[i].store(1, Write);
        turn.store(static_cast<int>(1 - i), Write);
        while (interested[1 - i].load(Read) == 1 && turn.load(Read) == static_cast<int>(1 - i)) the_machine.yield();
        add();
        interested[i].store(0, release);
    }
};

TEST(Algorithms, Peterson) {
    EXPECT_EQ(broken(program_of<peterson<seq_cst, seq_cst>>("peterson"), {3, 2}), "");
    expect_found<peterson<release, acquire>>("peterson_without_seq_cst");
}

template <std::memory_order Publish, std::memory_order Find>
struct lazy {
    static constexpr unsigned threads = 3;
    word locked, made;
    plain<int> value;
    void thread(unsigned) {
        if (made.load(Find) == 0) make();
        require(value == 42, "the value is read before it is made");
    }
    void make() {
        while (locked.exchange(1, acquire) != 0) the_machine.yield();
        if (made.load(relaxed) == 0) {
            value = 42;
            made.store(1, Publish);
        }
        locked.store(0, release);
    }
    void finish() const {}
};

TEST(Algorithms, DoubleCheckedInitialisation) {
    EXPECT_EQ(broken(program_of<lazy<release, acquire>>("lazy"), {2, 1}), "");
    expect_found<lazy<relaxed, acquire>>("lazy_that_publishes_nothing");
    expect_found<lazy<release, relaxed>>("lazy_that_acquires_nothing");
}

template <bool Notify>
struct sleeper {
    static constexpr unsigned threads = 2;
    word ready;
    plain<int> value;
    void thread(unsigned i) {
        if (i == 0) {
            ready.wait(0, acquire);
            require(value == 1, "woken too early");
        } else {
            value = 1;
            ready.store(1, release);
            if (Notify) ready.notify_one();
        }
    }
    void finish() const {}
};

TEST(Algorithms, WaitAndNotify) {
    EXPECT_EQ(broken(program_of<sleeper<true>>("sleeper"), {3, 3}), "");
    expect_found<sleeper<false>>("sleeper_that_nobody_wakes");
}

} // namespace
