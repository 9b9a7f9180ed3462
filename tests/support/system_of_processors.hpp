// An operating system with as many processors as a test wants, on which threads run where and for as long as it says.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pages/system.hpp"

namespace synk_test {

// While it lives the library calls it instead of Linux. One at a time. Memory calls go on to Linux, unless refused.
class system_of_processors {
public:
    system_of_processors() {
        here_ = 0;
        calls_ = synk::detail::linux_calls;
        refuses_ = false;
        calls_.map = [](std::size_t size, bool accessible, void* wish) noexcept {
            return refuses_ ? nullptr : synk::detail::linux_calls.map(size, accessible, wish);
        };
        calls_.processor = []() noexcept { return here_.load(); };
        calls_.processor_time = []() noexcept { return time_; };
        synk::detail::the_system.store(&calls_);
    }
    system_of_processors(const system_of_processors&) = delete;
    system_of_processors& operator=(const system_of_processors&) = delete;
    ~system_of_processors() { synk::detail::the_system.store(&synk::detail::linux_calls); }

    static void set_count(unsigned n) { synk::detail::known_processors.store(n, std::memory_order_relaxed); }
    // All threads are on this one now.
    static void go_to(unsigned processor) { here_ = processor; }
    // The calling thread has run for so long.
    static void run_for(std::uint64_t ns) { time_ += ns; }

    // There is no more memory.
    static void refuse_memory() { refuses_ = true; }

private:
    static inline std::atomic<unsigned> here_{0};
    static inline std::atomic<bool> refuses_{false};
    static inline thread_local std::uint64_t time_ = 1'000'000;
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_test
