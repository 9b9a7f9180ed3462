// A busy server sees no page fault from giving back.
// ctest: RUN_SERIAL TRUE TIMEOUT 300
// ctest-variants: plain

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

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

constexpr std::size_t kib = 1024;

void touch(synk::bytes& b) {
    for (std::size_t at = 0; at < b.capacity(); at += 4096) b.data()[at] = std::byte{1};
}

// Threads that work until they are told to stop, and a moment of rest between two pieces of work.
class traffic {
public:
    template <class Work>
    void add(Work work) {
        threads_.emplace_back([this, work]() mutable {
            while (!stop_) {
                work();
                std::this_thread::sleep_for(std::chrono::microseconds(500));
            }
        });
    }
    ~traffic() {
        stop_ = true;
        for (std::thread& t : threads_) t.join();
    }

private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

// A request: some buffers of the usual sizes at a time, in random order.
void serve(random_source& random) {
    constexpr std::size_t sizes[] = {4 * kib, 16 * kib, 64 * kib, 200 * kib, 1024 * kib, 6000 * kib};
    std::vector<synk::bytes> held;
    for (int i = 0; i < 6; ++i) {
        held.push_back(synk::get_sized_pool().get_sized(sizes[random.below(std::size(sizes))]));
        touch(held.back());
    }
}

// Buffers that one thread gets and another puts.
class conveyor {
public:
    void load() {
        for (int i = 0; i < 4; ++i) {
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
    std::mutex mutex_;
    std::deque<synk::bytes> belt_;
};

TEST(steady_traffic, sees_no_page_fault) {
    auto random = seeded();
    conveyor belt;
    traffic all;
    for (int i = 0; i < 3; ++i) all.add([mine = random.split()]() mutable { serve(mine); });
    all.add([&belt] { belt.load(); });
    all.add([&belt] { belt.unload(); });

    std::this_thread::sleep_for(milliseconds(3000)); // to become warm
    const long before = page_faults();
    const auto given_back = synk::stats().given_back;
    std::this_thread::sleep_for(std::chrono::seconds(long_run() ? 60 : 10));
    const long faults = page_faults() - before;
    std::printf("%ld page faults, %llu bytes given back\n", faults,
                static_cast<unsigned long long>(synk::stats().given_back - given_back));
    EXPECT_LE(faults, 100);
}

} // namespace
