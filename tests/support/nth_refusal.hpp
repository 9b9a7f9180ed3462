// An operating system that refuses memory at one call, or from one call on: so that a test can walk through every place
// where memory is asked for.
#pragma once

#include <atomic>
#include <cstddef>

#include "pages/system.hpp"

namespace synk_test {

enum class refusal { once, from_then_on };

// While it lives, calls that ask for memory (map, make_accessible, remap) are counted from 1, and those that `kind`
// means are refused. One at a time.
class nth_refusal {
public:
    nth_refusal(std::size_t n, refusal kind) {
        first_ = n;
        last_ = kind == refusal::once ? n : ~std::size_t{0};
        count_ = 0;
        calls_ = synk::detail::linux_calls;
        calls_.map = map;
        calls_.make_accessible = make_accessible;
        calls_.remap = remap;
        synk::detail::the_system.store(&calls_);
    }
    nth_refusal(const nth_refusal&) = delete;
    nth_refusal& operator=(const nth_refusal&) = delete;
    ~nth_refusal() { synk::detail::the_system.store(&synk::detail::linux_calls); }

    // Whether it came to a refusal.
    [[nodiscard]] static bool happened() { return count_ >= first_; }

private:
    static bool refuse() noexcept {
        const std::size_t call = ++count_;
        return call >= first_ && call <= last_;
    }
    static void* map(std::size_t size, bool accessible) noexcept {
        return refuse() ? nullptr : synk::detail::linux_calls.map(size, accessible);
    }
    static bool make_accessible(void* at, std::size_t size) noexcept {
        return !refuse() && synk::detail::linux_calls.make_accessible(at, size);
    }
    static void* remap(void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
        return refuse() ? nullptr : synk::detail::linux_calls.remap(at, size, new_size, target);
    }

    static inline std::size_t first_, last_;
    static inline std::atomic<std::size_t> count_{0};
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_test
