// An operating system whose clock only the program moves, and whose n-th call fails: so that a program takes the same
// way each time it is run.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "pages/system.hpp"

namespace synk_model {

// While it lives the library calls it instead of Linux; the calls go on to Linux. One at a time.
class model_system {
public:
    model_system() {
        calls_ = synk::detail::linux_calls;
        calls_.map = map;
        calls_.unmap = unmap;
        calls_.make_accessible = make_accessible;
        calls_.make_inaccessible = make_inaccessible;
        calls_.advise = advise;
        calls_.remap = remap;
        calls_.barrier = barrier;
        calls_.now = calls_.processor_time = now;
        calls_.processor = processor;
        calls_.nap = calls_.yield; // time passes only as the program says
        refuse(0, 0);
        refused_ = 0;
        const std::uint64_t real = synk::detail::linux_calls.now();
        if (clock_ < real) clock_ = real; // it never goes back, not from one of these to the next
        synk::detail::the_system.store(&calls_);
    }
    model_system(const model_system&) = delete;
    model_system& operator=(const model_system&) = delete;
    ~model_system() { synk::detail::the_system.store(&synk::detail::linux_calls); }

    static void pass(std::chrono::nanoseconds time) { clock_ += static_cast<std::uint64_t>(time.count()); }

    // Of the calls from now on, counted from 1, the n-th and `more` behind it are refused; n = 0: none.
    static void refuse(std::size_t n, std::size_t more) {
        first_ = n;
        last_ = n == 0 ? 0 : more > ~n ? ~std::size_t{0} : n + more;
        count_ = 0;
    }
    // Calls since then.
    [[nodiscard]] static std::size_t count() { return count_; }
    // How many were ever refused, of this system.
    [[nodiscard]] static std::size_t refused() { return refused_; }

private:
    static bool no() noexcept {
        const std::size_t call = ++count_;
        if (first_ == 0 || call < first_ || call > last_) return false;
        ++refused_;
        return true;
    }
    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        return no() ? nullptr : synk::detail::linux_calls.map(size, accessible, wish);
    }
    static bool unmap(void* at, std::size_t size) noexcept {
        return !no() && synk::detail::linux_calls.unmap(at, size);
    }
    static bool make_accessible(void* at, std::size_t size) noexcept {
        return !no() && synk::detail::linux_calls.make_accessible(at, size);
    }
    static bool make_inaccessible(void* at, std::size_t size) noexcept {
        return !no() && synk::detail::linux_calls.make_inaccessible(at, size);
    }
    static bool advise(void* at, std::size_t size, synk::detail::advice what) noexcept {
        return !no() && synk::detail::linux_calls.advise(at, size, what);
    }
    static void* remap(void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
        return no() ? nullptr : synk::detail::linux_calls.remap(at, size, new_size, target);
    }
    static bool barrier() noexcept { return !no() && synk::detail::linux_calls.barrier(); }
    static std::uint64_t now() noexcept { return clock_; }
    static unsigned processor() noexcept { return static_cast<unsigned>(clock_ / 1'000'000 % 3); }

    static inline std::atomic<std::uint64_t> clock_{0}; // ns
    static inline std::atomic<std::size_t> first_{0}, last_{0}, count_{0}, refused_{0};
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_model
