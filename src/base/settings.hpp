// The options in force, as the layers read them.
#pragma once

#include <synk/detail/atomic.hpp>
#include <synk/options.hpp>

namespace synk::inline v1::detail {

// relaxed throughout: an option takes effect a moment earlier or later, nothing hangs on the order.
class settings {
public:
    [[nodiscard]] huge_pages huge() const noexcept { return huge_.load(memory_order_relaxed); }
    [[nodiscard]] bool zero_on_get() const noexcept { return zero_on_get_.load(memory_order_relaxed); }
    [[nodiscard]] bool clear_on_put() const noexcept { return clear_on_put_.load(memory_order_relaxed); }

    void set(const options& wanted) noexcept {
        huge_.store(wanted.huge, memory_order_relaxed);
        zero_on_get_.store(wanted.zero_on_get, memory_order_relaxed);
        clear_on_put_.store(wanted.clear_on_put, memory_order_relaxed);
    }

private:
    atomic<huge_pages> huge_{huge_pages::automatic};
    atomic<bool> zero_on_get_{false};
    atomic<bool> clear_on_put_{false};
};

extern constinit settings the_settings;

} // namespace synk::inline v1::detail
