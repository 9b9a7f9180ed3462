// The third table's workers: threads that compute on their buffers between get and put.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "child.hpp"
#include "measure.hpp"
#include "rows.hpp"
#include "work.hpp"

namespace bench {

struct time_spent {
    clock::duration in_get_and_put{};
    clock::duration in_work{};
};

// One get, one piece of work, one put, and where the time went. A clock read costs several times what a get
// costs, so two reads with nothing between them stand before the get and before the put: their distance is
// what one read costs at that place and moment (caches as the work left them), and it is subtracted.
template <row R>
void do_job(const job& j, time_spent& spent) {
    const auto idle1 = clock::now();
    const auto before_get = clock::now();
    auto held = R::get(j.size);
    const auto after_get = clock::now();
    keep(do_work(j.work, {R::data(held), j.size}));
    const auto idle2 = clock::now();
    const auto before_put = clock::now();
    R::put(std::move(held));
    const auto after_put = clock::now();
    const auto read1 = before_get - idle1;
    const auto read2 = before_put - idle2;
    spent.in_get_and_put += after_get - before_get - read1 + (after_put - before_put - read2);
    spent.in_work += idle2 - after_get - read2;
}

// One round: `workers` threads take jobs from one list until none is left. Every row and every number of
// workers does the same jobs. Time runs from the moment when all workers are warm until the last one is
// through. Warm: they have done all the jobs with next to no new memory, what the silence before took being back, or
// have done them often enough. One time is not enough: what several workers hold together differs from one to the next.
template <row R>
class crew {
public:
    crew(unsigned workers, std::span<const job> jobs) : jobs_(jobs), warmed_(workers, warmed{this}) {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < workers; ++i) threads.emplace_back([this] { work(); });
    } // all joined

    // Wall clock, get and put, work, these two, processor, new memory, calls of the allocator: all per job.
    [[nodiscard]] answer values() const {
        const auto n = static_cast<double>(jobs_.size());
        const double alloc = std::max(0.0, static_cast<double>(alloc_ns_.load()) / n);
        const double work = static_cast<double>(work_ns_.load()) / n;
        const auto ended = clock::time_point(clock::duration(last_end_.load()));
        return {nanoseconds(ended - start_) / n,
                alloc,
                work,
                alloc + work,
                static_cast<double>(processor_ns_.load()) / n,
                (new_bytes() - bytes_) / n,
                R::calls_per_get + static_cast<double>(R::calls() - calls_) / n};
    }

private:
    static constexpr unsigned most_warm_ups = 4;
    static constexpr double little = 1024; // new bytes a job

    // Runs in the last thread that has done with a warming up, while the others still wait.
    struct warmed {
        crew* self;
        void operator()() noexcept {
            const double before = std::exchange(self->bytes_, new_bytes());
            self->is_warm_ = self->bytes_ - before < little * static_cast<double>(self->jobs_.size()) ||
                             ++self->warm_ups_ == most_warm_ups;
            self->warm_up_.store(0, std::memory_order_relaxed);
            self->calls_ = R::calls();
            self->start_ = clock::now();
        }
    };

    void work() {
        time_spent ignored;
        while (!is_warm_) {
            take(warm_up_, jobs_.size(), ignored);
            warmed_.arrive_and_wait();
        }
        const auto start = processor_time();
        time_spent spent;
        take(next_, jobs_.size(), spent);
        report(clock::now(), processor_time() - start, spent);
    }

    void take(std::atomic<std::size_t>& next, std::size_t end, time_spent& spent) {
        // relaxed: hands out indices into a list that nobody changes
        for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < end;) do_job<R>(jobs_[i], spent);
    }

    // relaxed: read after the threads were joined
    void report(clock::time_point end, clock::duration processor, const time_spent& spent) {
        processor_ns_.fetch_add(processor.count(), std::memory_order_relaxed);
        alloc_ns_.fetch_add(spent.in_get_and_put.count(), std::memory_order_relaxed);
        work_ns_.fetch_add(spent.in_work.count(), std::memory_order_relaxed);
        auto seen = last_end_.load(std::memory_order_relaxed);
        const auto mine = end.time_since_epoch().count();
        while (seen < mine && !last_end_.compare_exchange_weak(seen, mine, std::memory_order_relaxed)) {
        }
    }

    std::span<const job> jobs_;
    std::barrier<warmed> warmed_;
    std::atomic<std::size_t> warm_up_{0};
    unsigned warm_ups_ = 0;
    bool is_warm_ = false; // both written by `warmed` alone
    std::atomic<std::size_t> next_{0};
    std::atomic<clock::rep> alloc_ns_{0};
    std::atomic<clock::rep> work_ns_{0};
    std::atomic<clock::rep> processor_ns_{0};
    std::atomic<clock::rep> last_end_{0};
    clock::time_point start_;
    double bytes_ = new_bytes();
    std::uint64_t calls_ = 0;
};

static_assert(std::is_same_v<clock::period, std::nano>, "counts of the clock are nanoseconds");

} // namespace bench
