// The work of caches.cpp in which threads, drains and signals meet.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>
#include <sched.h>

#include "../measure.hpp"
#include "asked_sizes.hpp"
#include "cache_kinds.hpp"

namespace explore {

template <class Kind>
[[gnu::always_inline]] inline void pair(std::size_t size) {
    const unsigned cls = Kind::class_of(size);
    std::byte* const data = get<Kind>(cls);
    bench::touch(data);
    put<Kind>(cls, data);
}

struct crew_work {
    std::size_t threads;
    std::size_t held;   // got before the first of them is put
    std::size_t budget; // bytes that may lie in all caches
    const std::vector<std::size_t>& sizes;
};
struct crew_result {
    double ns;         // of the processor's time, a pair
    std::size_t bytes; // of all blocks that were needed
    double visits;     // to what is shared, a pair
    double stops;      // of sequences, a pair
};

template <class Kind>
class crew {
public:
    explicit crew(const crew_work& work) : work_(work), warm_(static_cast<std::ptrdiff_t>(work.threads)) {
        start_again<Kind>(work.budget);
        std::vector<std::jthread> running;
        for (std::size_t i = 0; i < work.threads; ++i) running.emplace_back([this, i] { run(i); });
        std::this_thread::sleep_for(std::chrono::milliseconds(work.threads > 2 ? 300 : 60));
        stop_.store(true, std::memory_order_relaxed); // relaxed: it publishes nothing
    }                                                 // all joined

    [[nodiscard]] crew_result result() const {
        const auto pairs = static_cast<double>(pairs_.load());
        return {static_cast<double>(worked_.load()) / pairs, shared.used(), static_cast<double>(visits_.load()) / pairs,
                static_cast<double>(stops_.load()) / pairs};
    }

private:
    void run(std::size_t i) {
        Kind::attach();
        std::size_t at = i * 257;
        for (std::size_t k = 0; k < size_count; k += work_.held) burst(at);
        warm_.arrive_and_wait();
        const std::uint64_t visits_before = shared.visits();
        const std::uint64_t stops_before = Kind::stops();
        const auto start = bench::processor_time();
        std::uint64_t bursts = 0;
        for (; !stop_.load(std::memory_order_relaxed); bursts += 16)
            for (int k = 0; k < 16; ++k) burst(at);
        worked_ += bench::nanoseconds_of(bench::processor_time() - start);
        pairs_ += bursts * work_.held;
        stops_ += Kind::stops() - stops_before;
        if (i == 0) visits_ = shared.visits() - visits_before; // of all threads
        warm_.arrive_and_wait();
        Kind::detach();
    }
    void burst(std::size_t& at) {
        unsigned classes[8];
        std::byte* blocks[8];
        for (std::size_t k = 0; k < work_.held; ++k) {
            classes[k] = Kind::class_of(work_.sizes[at++ % size_count]);
            blocks[k] = get<Kind>(classes[k]);
            bench::touch(blocks[k]);
        }
        for (std::size_t k = 0; k < work_.held; ++k) put<Kind>(classes[k], blocks[k]);
    }

    const crew_work& work_;
    std::barrier<> warm_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> pairs_{0}, worked_{0}, visits_{0}, stops_{0};
};

template <class Kind>
[[nodiscard]] crew_result run_crew(const crew_work& work) {
    return crew<Kind>(work).result();
}

struct drain_result {
    double us;       // of the processor's time, a drain of one cache: the median
    double refused;  // part of the drains that found the owner inside
    double owner_ns; // of the processor's time, a pair of the owners
};

// Owners that do nothing but pairs, and a thread that empties their caches. The figure of the owners contains their
// misses.
template <class Kind>
[[nodiscard]] drain_result run_drains(std::size_t owners, std::chrono::microseconds pause) {
    start_again<Kind>();
    std::vector<typename Kind::cache*> caches(owners);
    std::barrier<> ready(static_cast<std::ptrdiff_t>(owners) + 1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> pairs{0};
    std::atomic<std::uint64_t> worked{0};
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < owners; ++i)
        running.emplace_back([&, i] {
            Kind::attach();
            caches[i] = Kind::mine();
            ready.arrive_and_wait();
            const auto start = bench::processor_time();
            std::uint64_t done = 0;
            for (; !stop.load(std::memory_order_relaxed); done += 16)
                for (int k = 0; k < 16; ++k) pair<Kind>(32 << 10);
            worked += bench::nanoseconds_of(bench::processor_time() - start);
            pairs += done;
            ready.arrive_and_wait(); // nobody drains any more
            Kind::detach();
        });
    ready.arrive_and_wait();
    std::sort(caches.begin(), caches.end());
    caches.erase(std::unique(caches.begin(), caches.end()), caches.end()); // several threads, one CPU
    std::uint64_t refused = 0;
    std::vector<bench::clock::duration> spent;
    const auto end = bench::clock::now() + std::chrono::milliseconds(150);
    while (bench::clock::now() < end) {
        for (auto* c : caches) {
            const auto start = bench::processor_time();
            refused += Kind::drain(*c) ? 0U : 1U;
            spent.push_back(bench::processor_time() - start);
        }
        std::this_thread::sleep_for(pause);
    }
    stop = true;
    ready.arrive_and_wait();
    running.clear();
    std::sort(spent.begin(), spent.end());
    return {bench::nanoseconds(spent[spent.size() / 2]) / 1e3,
            static_cast<double>(refused) / static_cast<double>(spent.size()),
            static_cast<double>(worked.load()) / static_cast<double>(pairs.load())};
}

// The thread is sent SIGUSR1 by a timer; the handler gets and puts.
template <class Kind>
class interrupted {
public:
    static inline thread_local volatile std::uint64_t handlers = 0;
    static inline thread_local volatile std::uint64_t refused = 0;

    interrupted() {
        struct sigaction action {};
        action.sa_handler = [](int) { handle(); };
        action.sa_flags = SA_RESTART;
        ::sigaction(SIGUSR1, &action, nullptr);
        sigevent event{};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = SIGUSR1;
        event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
        ::timer_create(CLOCK_MONOTONIC, &event, &timer_);
        const itimerspec every{{0, 200'000}, {0, 200'000}};
        ::timer_settime(timer_, 0, &every, nullptr);
    }
    interrupted(const interrupted&) = delete;
    interrupted& operator=(const interrupted&) = delete;
    ~interrupted() { ::timer_delete(timer_); }

private:
    static void handle() {
        handlers = handlers + 1;
        const unsigned cls = Kind::class_of(64 << 10);
        std::byte* const data = Kind::pop(cls);
        if (data == nullptr || !Kind::push(cls, data)) refused = refused + 1;
    }
    timer_t timer_{};
};

struct signal_result {
    std::uint64_t handlers, refused, stops;
};

template <class Kind>
[[nodiscard]] signal_result run_signals(std::chrono::milliseconds span) {
    start_again<Kind>();
    signal_result result{};
    std::jthread([&] {
        Kind::attach();
        std::byte* warm[8];
        const unsigned cls = Kind::class_of(64 << 10);
        for (auto& w : warm) w = shared.get(cls);
        for (auto* w : warm) put<Kind>(cls, w);
        {
            const interrupted<Kind> timer;
            const auto end = bench::clock::now() + span;
            while (bench::clock::now() < end)
                for (int k = 0; k < 4096; ++k) pair<Kind>(32 << 10);
        }
        result = {interrupted<Kind>::handlers, interrupted<Kind>::refused, Kind::stops()};
        Kind::detach();
    }).join();
    return result;
}

struct disjoint_result {
    std::uint64_t pairs, drains, stops, twice;
};

// Gets four blocks and puts them; how many of them somebody else had too. A block's first byte says whether it is lent.
template <class Kind>
[[nodiscard]] std::uint64_t lent_twice() {
    const auto flag = [](std::byte* data) { return std::atomic_ref(*reinterpret_cast<std::uint8_t*>(data)); };
    std::uint64_t twice = 0;
    std::byte* held[4];
    for (unsigned k = 0; k < 4; ++k) {
        held[k] = get<Kind>(Kind::class_of((16U << 10) << k));
        twice += flag(held[k]).exchange(1);
    }
    for (unsigned k = 0; k < 4; ++k) {
        flag(held[k]).store(0);
        put<Kind>(Kind::class_of((16U << 10) << k), held[k]);
    }
    return twice;
}

// Three threads, interrupted, and one that drains.
template <class Kind>
[[nodiscard]] disjoint_result run_disjoint(std::chrono::milliseconds span) {
    start_again<Kind>();
    constexpr std::size_t owners = 3;
    std::vector<typename Kind::cache*> caches(owners);
    std::barrier<> ready(owners + 1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> pairs{0};
    std::atomic<std::uint64_t> stops{0};
    std::atomic<std::uint64_t> twice{0};
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < owners; ++i)
        running.emplace_back([&, i] {
            Kind::attach();
            caches[i] = Kind::mine();
            ready.arrive_and_wait();
            std::uint64_t done = 0;
            std::uint64_t seen_twice = 0;
            {
                const interrupted<Kind> timer;
                for (; !stop.load(std::memory_order_relaxed); ++done) seen_twice += lent_twice<Kind>();
            }
            pairs += done * 4;
            stops += Kind::stops();
            twice += seen_twice;
            ready.arrive_and_wait();
            Kind::detach();
        });
    ready.arrive_and_wait();
    std::uint64_t drains = 0;
    const auto end = bench::clock::now() + span;
    while (bench::clock::now() < end) {
        for (auto* c : caches) drains += Kind::drain(*c) ? 1U : 0U;
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    stop = true;
    ready.arrive_and_wait();
    running.clear();
    return {pairs, drains, stops, twice};
}

// By turns, on one CPU: get a block, write to it, put it; the turns are handed on by time alone. A thread's caches are
// drained in between. Correct in every kind; what a tool makes of it is the question.
template <class Kind>
void hand_to_and_fro() {
    if constexpr (Kind::drains) {
        start_again<Kind>();
        std::atomic<unsigned> turn{0}; // relaxed: it must not order what the tool looks for
        std::atomic<typename Kind::cache*> caches[2]{};
        const auto work = [&](unsigned me) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(0, &one);
            ::pthread_setaffinity_np(::pthread_self(), sizeof one, &one);
            Kind::attach();
            caches[me] = Kind::mine();
            const unsigned cls = Kind::class_of(32 << 10);
            for (unsigned k = me; k < 20; k += 2) {
                while (turn.load(std::memory_order_relaxed) != k) std::this_thread::yield();
                auto* const other = caches[1 - me].load(); // sees the other's cache made, and nothing later
                if (other != nullptr) Kind::drain(*other);
                std::byte* const data = get<Kind>(cls);
                data[64] = std::byte{1};
                put<Kind>(cls, data);
                turn.store(k + 1, std::memory_order_relaxed);
            }
            while (turn.load(std::memory_order_relaxed) < 20) std::this_thread::yield();
            ::usleep(1000);
            Kind::detach();
        };
        std::jthread other(work, 0U);
        std::jthread(work, 1U).join();
    }
}

} // namespace explore
