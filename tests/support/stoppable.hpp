// A thread that can be stopped wherever it is, as a scheduler may stop it: by a signal whose handler does not return
// until the thread is let go.
#pragma once

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <pthread.h>
#include <unistd.h>

namespace synk_test {

class stoppable {
public:
    // Runs work(*this), which returns when it sees done(). One at a time in a process.
    template <class Work>
    explicit stoppable(Work work) {
        if (::pipe(stopped_) != 0 || ::pipe(go_on_) != 0) std::abort();
        struct sigaction action {};
        action.sa_handler = stay;
        ::sigaction(SIGUSR1, &action, nullptr);
        thread_ = std::thread([this, work] {
            runs_ = true;
            work(*this);
        });
        // What a thread does before its own first line is the system's and the sanitizers', who have locks there.
        while (!runs_) std::this_thread::yield();
    }
    stoppable(const stoppable&) = delete;
    stoppable& operator=(const stoppable&) = delete;
    ~stoppable() {
        done_ = true;
        thread_.join();
        for (const int end : {stopped_[0], stopped_[1], go_on_[0], go_on_[1]}) ::close(end);
    }

    // Returns when the thread stands. True when it does so inside of what it calls between enter() and leave().
    [[nodiscard]] bool stop() {
        ::pthread_kill(thread_.native_handle(), SIGUSR1);
        return read_one(stopped_[0]) == inside;
    }
    void let_go() { write_one(go_on_[1], outside); }

    // The thread's own.
    void enter() { inside_.store(true, std::memory_order_relaxed); }
    void leave() { inside_.store(false, std::memory_order_relaxed); }
    [[nodiscard]] bool done() const { return done_.load(std::memory_order_relaxed); }

private:
    static constexpr char inside = 'i', outside = 'o';

    static void stay(int) {
        const int error = errno;
        write_one(stopped_[1], inside_.load(std::memory_order_relaxed) ? inside : outside);
        static_cast<void>(read_one(go_on_[0]));
        errno = error;
    }
    static void write_one(int to, char c) {
        while (::write(to, &c, 1) == -1 && errno == EINTR) {
        }
    }
    [[nodiscard]] static char read_one(int from) {
        char c = 0;
        while (::read(from, &c, 1) == -1 && errno == EINTR) {
        }
        return c;
    }

    static inline int stopped_[2], go_on_[2];
    static inline std::atomic<bool> inside_{false};
    std::atomic<bool> runs_{false}, done_{false};
    std::thread thread_;
};

} // namespace synk_test
