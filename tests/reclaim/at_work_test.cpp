// What a thread is at work on at that moment stays with it when all that is idle is to go back. It may have lost its
// processor there: who needs what it has lets it run, and does not wait for one that was stopped for good.
#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "cache/thread_caches.hpp"
#include "pages/system.hpp"
#include "support/fresh_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

constexpr std::size_t held_length = 4 * mib;
constexpr std::size_t held_blocks = 8;

// A thread with blocks in its cache, in the middle of a get of one of them. While it lives, it is counted how often
// others are let run, and that thread may then go on; and what is mapped at a time is as much as those blocks.
class stopped_thread {
public:
    explicit stopped_thread(unsigned goes_on_at) : goes_on_at_(goes_on_at) {
        self_ = this;
        calls_.map = map;
        calls_.unmap = unmap;
        calls_.yield = calls_.nap = let_run;
        inside::the_system.store(&calls_);
        thread_.run([this] {
            std::vector<synk::bytes> held;
            while (held.size() != held_blocks) held.push_back(synk::get_sized_pool().get_sized(held_length));
            held.clear();
            gate_ = &inside::thread_caches::own()->gate;
            EXPECT_TRUE(gate_->enter(inside::bin_of(inside::class_of(held_length))) || gate_->enter_slow()); // of tools
        });
    }
    stopped_thread(const stopped_thread&) = delete;
    stopped_thread& operator=(const stopped_thread&) = delete;
    ~stopped_thread() {
        go_on();
        inside::the_system.store(&inside::linux_calls);
    }

    [[nodiscard]] unsigned times_let_run() const { return times_; }

    // It comes to the end of that get, and to its next.
    void go_on() {
        if (gate_ == nullptr) return;
        thread_.run([this] {
            gate_->leave();
            static_cast<void>(synk::get_sized_pool().get_sized(page));
        });
        gate_ = nullptr;
    }

private:
    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        if (self_->mapped_ + size > (held_blocks + 1) * held_length) return nullptr; // a chunk for what is shorter
        void* const at = inside::linux_calls.map(size, accessible, wish);
        if (at != nullptr) self_->mapped_ += size;
        return at;
    }
    static bool unmap(void* at, std::size_t size) noexcept {
        self_->mapped_ -= size;
        return inside::linux_calls.unmap(at, size);
    }
    static void let_run() noexcept {
        if (++self_->times_ == self_->goes_on_at_) self_->go_on();
    }

    static inline stopped_thread* self_ = nullptr;

    inside::system_calls calls_ = inside::linux_calls;
    unsigned goes_on_at_; // 0: never
    unsigned times_ = 0;
    std::size_t mapped_ = 0;
    inside::cache_gate* gate_ = nullptr;
    worker thread_;
};

class AtWork : public fresh_pool {};

TEST_F(AtWork, AGetThatFailsLetsThatThreadHandOverWhatItHas) {
    for (const std::size_t n : {held_length, 5 * held_length}) {
        stopped_thread other(1);
        std::vector<synk::bytes> got;
        for (std::size_t lent = 0; lent + n <= held_blocks * held_length; lent += n) {
            got.push_back(synk::get_sized_pool().try_get_sized(n));
            ASSERT_TRUE(got.back()) << lent << " bytes are lent, and the rest is idle";
        }
        EXPECT_EQ(other.times_let_run(), 1U);
        got.clear();
        start_afresh();
    }
}

TEST_F(AtWork, AGetThatFailsDoesNotWaitForAThreadThatNeverGoesOn) {
    stopped_thread other(0);
    EXPECT_THROW(static_cast<void>(synk::get_sized_pool().get_sized(5 * held_length)), std::bad_alloc);
    EXPECT_GT(other.times_let_run(), 0U);
    EXPECT_LT(other.times_let_run(), 10U);
}

TEST_F(AtWork, ATrimLetsThatThreadHandOverWhatItHas) {
    stopped_thread other(7); // at the last moment
    synk::trim();
    EXPECT_EQ(synk::stats().idle, 0U);
    EXPECT_EQ(other.times_let_run(), 7U);
}

// As the keeper is, or another that trims.
TEST_F(AtWork, ATrimHasItsOwnThreadsCacheWhenSomebodyWasBehindItsGate) {
    std::vector<synk::bytes> held;
    while (held.size() != held_blocks) held.push_back(synk::get_sized_pool().get_sized(held_length));
    held.clear();
    static inside::cache_gate* gate = nullptr;
    gate = &inside::thread_caches::own()->gate;
    ASSERT_TRUE(gate->close([] {}));
    inside::system_calls calls = inside::linux_calls;
    calls.yield = []() noexcept { gate->open(); };
    inside::the_system.store(&calls);
    synk::trim();
    inside::the_system.store(&inside::linux_calls);
    EXPECT_EQ(synk::stats().idle, 0U);
}

// Somebody who came to take nothing, and lost its processor there: the owner hands over what it has in its next get or
// put, which would have been a hit.
TEST_F(AtWork, ATrimIsMadeUpForWhereAnotherWasBehindTheGate) {
    for (const bool own : {true, false}) {
        worker other;
        inside::cache_record* cache = nullptr;
        const auto in_its_thread = [&other, own](auto work) { own ? work() : other.run(work); };
        const auto hit = [] { static_cast<void>(synk::get_sized_pool().get_sized(held_length)); };
        in_its_thread([&] {
            std::vector<synk::bytes> held;
            while (held.size() != held_blocks) held.push_back(synk::get_sized_pool().get_sized(held_length));
            held.clear();
            cache = inside::thread_caches::own();
        });
        ASSERT_TRUE(cache->gate.shut());
        synk::trim();
        ASSERT_EQ(synk::stats().idle, held_blocks * held_length);
        cache->gate.open();
        in_its_thread(hit);
        in_its_thread(hit);
        EXPECT_LE(synk::stats().idle_cached, held_length);
        start_afresh();
    }
}

TEST_F(AtWork, ALowerLimitHoldsWhenItHasBeenSet) {
    stopped_thread other(1);
    synk::configure(quiet_with_limit(held_length));
    EXPECT_LE(synk::stats().idle, held_length);
}

TEST_F(AtWork, ATrimDoesNotWaitForAThreadThatNeverGoesOn) {
    stopped_thread other(0);
    synk::trim();
    EXPECT_EQ(synk::stats().idle, held_blocks * held_length);
    EXPECT_GT(other.times_let_run(), 0U);
    EXPECT_LT(other.times_let_run(), 10U);
}

} // namespace
