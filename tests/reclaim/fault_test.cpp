// A busy server sees no page fault from giving back.
// ctest: RUN_SERIAL TRUE TIMEOUT 300
// ctest-variants: plain

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/process_memory.hpp"
#include "support/random.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

std::atomic<long> pages_touched{0};

void touch(synk::bytes& b) {
    for (std::size_t at = 0; at < b.capacity(); at += 4096) b.data()[at] = std::byte{1};
    pages_touched += static_cast<long>(b.capacity() / 4096);
}

// Threads that work until they are told to stop, and a moment of rest between two pieces of work.
class traffic {
public:
    template <class Work>
    void add(Work work) {
        threads_.emplace_back([this, work]() mutable {
            while (!stop_) {
                work();
                rest();
            }
        });
    }
    ~traffic() {
        stop_ = true;
        for (std::thread& t : threads_) t.join();
    }
    static void rest() { std::this_thread::sleep_for(std::chrono::microseconds(500)); }

private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

// A request: two buffers of each usual size, in random order, held while it waits for an answer. Each request takes the
// same, and holds it as long as it does without: then the most that all threads hold at a time comes up many times a
// second. What comes up less often than gone_after is not in steady use, and may go.
void serve(random_source& random) {
    std::size_t sizes[] = {4 * kib, 16 * kib, 64 * kib, 200 * kib, 1024 * kib, 6000 * kib,
                           4 * kib, 16 * kib, 64 * kib, 200 * kib, 1024 * kib, 6000 * kib};
    std::shuffle(std::begin(sizes), std::end(sizes), random);
    std::vector<synk::bytes> held;
    for (const std::size_t n : sizes) {
        held.push_back(synk::get_sized_pool().get_sized(n));
        touch(held.back());
    }
    traffic::rest();
}

// Buffers that one thread gets and another puts, some at a time.
class conveyor {
public:
    void load() {
        for (std::size_t room = room_left(); room > 0; --room) {
            synk::bytes b = synk::get_sized_pool().get_sized(32 * kib);
            touch(b);
            const std::lock_guard lock(mutex_);
            belt_.push_back(std::move(b));
        }
    }
    void unload() {
        std::deque<synk::bytes> mine;
        const std::lock_guard lock(mutex_);
        mine.swap(belt_);
    }

private:
    std::size_t room_left() {
        const std::lock_guard lock(mutex_);
        return length - belt_.size();
    }

    static constexpr std::size_t length = 8;
    std::mutex mutex_;
    std::deque<synk::bytes> belt_;
};

// Which thread's cache has the block that another one wants is chance, so there is sometimes one more of a size than at
// other times, and it goes if it is not wanted for gone_after. That is some faults for tens of millions of pages
// touched.
TEST(steady_traffic, sees_no_page_fault) {
    auto random = seeded();
    conveyor belt;
    traffic all;
    for (int i = 0; i < 3; ++i) all.add([mine = random.split()]() mutable { serve(mine); });
    all.add([&belt] { belt.load(); });
    all.add([&belt] { belt.unload(); });

    std::this_thread::sleep_for(milliseconds(3000)); // to become warm
    const long before = page_faults();
    const long touched_before = pages_touched;
    std::this_thread::sleep_for(std::chrono::seconds(long_run() ? 60 : 10)); // gone_after twice
    const long faults = page_faults() - before;
    const long touched = pages_touched - touched_before;
    std::printf("%ld page faults, %ld pages touched\n", faults, touched);
    EXPECT_LE(faults, touched / 10'000);
}

} // namespace
