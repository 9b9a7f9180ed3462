// Several threads: each with its own buffers, and one that gets what another one puts.
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "child.hpp"
#include "measure.hpp"
#include "pairs.hpp"
#include "rows.hpp"

namespace bench {

// Threads that get and put until they are stopped. What they have done when the stop is given counts: a thread that
// does not have a processor then is not waited for.
template <row R>
class free_running {
public:
    // As many threads as there are lists of sizes.
    free_running(std::vector<std::span<const std::size_t>> sizes, clock::duration span)
        : sizes_(std::move(sizes)), warm_(static_cast<std::ptrdiff_t>(sizes_.size()) + 1), done_(sizes_.size()) {
        std::vector<std::jthread> running;
        for (std::size_t i = 0; i < sizes_.size(); ++i) running.emplace_back([this, i] { work(i); });
        warm_.arrive_and_wait();
        const auto start = clock::now();
        std::this_thread::sleep_for(span);
        stop_.store(true, std::memory_order_relaxed); // relaxed: it publishes nothing
        elapsed_ = clock::now() - start;
    } // all joined

    [[nodiscard]] answer values() const {
        std::uint64_t pairs = 0;
        clock::duration worked{};
        for (const auto& d : done_) {
            pairs += d.pairs;
            worked += d.worked;
        }
        return {nanoseconds(worked) / static_cast<double>(pairs), nanoseconds(elapsed_) / static_cast<double>(pairs)};
    }

private:
    static constexpr std::uint64_t warm_up = 512;
    static constexpr std::uint64_t batch = 16; // between two looks at the stop
    struct alignas(64) count {
        std::uint64_t pairs = 0;
        clock::duration worked{};
    };

    void work(std::size_t i) {
        size_cycle next(sizes_[i], i * 257);
        for (std::uint64_t k = 0; k < warm_up; ++k) get_and_put<R>(next());
        warm_.arrive_and_wait();
        const auto start = processor_time();
        std::uint64_t pairs = 0;
        for (; !stop_.load(std::memory_order_relaxed); pairs += batch)
            for (std::uint64_t k = 0; k < batch; ++k) get_and_put<R>(next());
        done_[i] = {pairs, processor_time() - start};
    }

    std::vector<std::span<const std::size_t>> sizes_;
    std::barrier<> warm_;
    std::atomic<bool> stop_{false};
    std::vector<count> done_; // each written by its thread, read after they were joined
    clock::duration elapsed_{};
};

// The plainest queue between two threads: a ring with an index for each.
template <class T>
class ring {
public:
    [[nodiscard]] bool push(T& value) {
        const auto at = tail_.load(std::memory_order_relaxed);                    // only this thread writes it
        if (at - head_.load(std::memory_order_acquire) == capacity) return false; // pop's release: the slot is empty
        slots_[at % capacity] = std::move(value);
        tail_.store(at + 1, std::memory_order_release); // to pop's acquire: the slot is full
        return true;
    }
    [[nodiscard]] bool pop(T& value) {
        const auto at = head_.load(std::memory_order_relaxed); // only this thread writes it
        if (at == tail_.load(std::memory_order_acquire)) return false;
        value = std::move(slots_[at % capacity]);
        head_.store(at + 1, std::memory_order_release);
        return true;
    }

private:
    static constexpr std::size_t capacity = 64;
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
    alignas(64) T slots_[capacity]{};
};

// Tries until it succeeds; lets others run when that takes long, for there may be fewer processors than threads.
template <class F>
void insist(F&& f) {
    constexpr unsigned patience = 1000;
    for (unsigned tries = 1; !f(); ++tries) {
        if (tries % patience == 0)
            std::this_thread::yield();
        else
            pause_briefly();
    }
}

// One thread gets and touches, the other one puts, through a ring of 64.
template <row R>
class hand_over {
public:
    hand_over(std::span<const std::size_t> sizes, clock::duration span) {
        std::jthread taker([this] { take(); });
        auto pass_many = [this, next = size_cycle(sizes)](std::uint64_t count) mutable {
            for (std::uint64_t i = 0; i < count; ++i) pass(next());
        };
        static_cast<void>(run_for(span, pass_many, wall_time)); // until all that is on its way is warm
        ns_ = run_for(span, pass_many, wall_time).ns_per_operation();
        stop_.store(true, std::memory_order_release); // to take's acquire: nothing more comes
    }                                                 // joined

    [[nodiscard]] answer values() const { return {ns_}; }

private:
    using held = typename R::held;

    void pass(std::size_t size) {
        held h = R::get(size);
        touch(R::data(h));
        insist([&] { return ring_.push(h); });
    }
    void take() {
        held h{};
        for (bool last = false; !last;) {
            insist([&] {
                last = stop_.load(std::memory_order_acquire);
                return put_next(h) || last;
            });
        }
        while (put_next(h)) {
        }
    }

    [[nodiscard]] bool put_next(held& h) {
        if (!ring_.pop(h)) return false;
        R::put(std::move(h));
        return true;
    }

    ring<held> ring_;
    std::atomic<bool> stop_{false};
    double ns_ = 0;
};

} // namespace bench
