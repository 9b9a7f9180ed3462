// Threads that begin together, and threads that do one thing at a time and sleep in between.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace synk_test {

// Runs work(0) .. work(n - 1), each in a thread of its own; none begins before all are there. Returns when all ended.
template <class Work>
void run_threads(unsigned n, Work work) {
    std::atomic<unsigned> waiting{n};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < n; ++i)
        threads.emplace_back([&, i] {
            --waiting;
            while (waiting != 0) std::this_thread::yield();
            work(i);
        });
    for (std::thread& t : threads) t.join();
}

// A thread that lives on between the jobs it is given, with all that it keeps for itself.
class worker {
public:
    worker() : thread_([this] { loop(); }) {}
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker() {
        hand_over({});
        thread_.join();
    }

    // Does the job in this thread and returns when it is done.
    void run(std::function<void()> job) {
        hand_over(std::move(job));
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !busy_; });
    }

private:
    void hand_over(std::function<void()> job) {
        const std::lock_guard lock(mutex_);
        job_ = std::move(job);
        busy_ = true;
        changed_.notify_all();
    }

    void loop() {
        for (;;) {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return busy_; });
            if (!job_) return;
            job_();
            busy_ = false;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> job_; // empty: the end
    bool busy_ = false;
    std::thread thread_;
};

} // namespace synk_test
