// An operating system that counts how often the pool asks it for memory.
#pragma once

#include <atomic>
#include <cstddef>

#include "pages/system.hpp"

namespace synk_test {

// While it lives. One at a time.
class map_count {
public:
    map_count() {
        count_ = 0;
        calls_ = synk::detail::linux_calls;
        calls_.map = map;
        synk::detail::the_system.store(&calls_);
    }
    map_count(const map_count&) = delete;
    map_count& operator=(const map_count&) = delete;
    ~map_count() { synk::detail::the_system.store(&synk::detail::linux_calls); }

    [[nodiscard]] static std::size_t count() { return count_; }

private:
    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        ++count_;
        return synk::detail::linux_calls.map(size, accessible, wish);
    }

    static inline std::atomic<std::size_t> count_{0};
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_test
