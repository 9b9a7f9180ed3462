// An operating system that says no when a test tells it to.
#pragma once

#include <atomic>
#include <cstddef>

#include "pages/system.hpp"

namespace synk_test {

inline constexpr std::size_t without_end = ~std::size_t{0};

// Kinds of calls, and which of those that come are refused, counted from 1.
struct refusals {
    bool map = false;
    bool make_accessible = false;
    bool remap = false;
    bool advise = false;
    std::size_t first = 1;
    std::size_t last = without_end;
    std::size_t least = 0; // bytes that a map or a remap must want to be counted
};

// While it lives, the library's calls of the chosen kinds are counted, and fail. One at a time.
class system_that_refuses {
public:
    explicit system_that_refuses(refusals refused) {
        refused_ = refused;
        count_ = 0;
        calls_ = synk::detail::linux_calls;
        calls_.map = map;
        calls_.make_accessible = make_accessible;
        calls_.remap = remap;
        calls_.advise = advise;
        synk::detail::the_system.store(&calls_);
    }
    system_that_refuses(const system_that_refuses&) = delete;
    system_that_refuses& operator=(const system_that_refuses&) = delete;
    ~system_that_refuses() { synk::detail::the_system.store(&synk::detail::linux_calls); }

    // Calls of the chosen kinds.
    [[nodiscard]] static std::size_t count() { return count_; }

private:
    static bool refuse(bool kind) noexcept {
        if (!kind) return false;
        const std::size_t call = ++count_;
        return call >= refused_.first && call <= refused_.last;
    }
    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        return refuse(refused_.map && size >= refused_.least) ? nullptr
                                                              : synk::detail::linux_calls.map(size, accessible, wish);
    }
    static bool make_accessible(void* at, std::size_t size) noexcept {
        return !refuse(refused_.make_accessible) && synk::detail::linux_calls.make_accessible(at, size);
    }
    static void* remap(void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
        return refuse(refused_.remap && new_size >= refused_.least)
                   ? nullptr
                   : synk::detail::linux_calls.remap(at, size, new_size, target);
    }
    static bool advise(void* at, std::size_t size, synk::detail::advice advice) noexcept {
        return !refuse(refused_.advise) && synk::detail::linux_calls.advise(at, size, advice);
    }

    static inline refusals refused_;
    static inline std::atomic<std::size_t> count_{0};
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_test
