// The options in force, as the layers read them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/options.hpp>

namespace synk::inline v1::detail {

// relaxed throughout: an option takes effect a moment earlier or later, nothing hangs on the order.
class settings {
public:
    [[nodiscard]] huge_pages huge() const noexcept { return huge_.load(memory_order_relaxed); }
    [[nodiscard]] bool zero_on_get() const noexcept { return zero_on_get_.load(memory_order_relaxed); }
    [[nodiscard]] bool clear_on_put() const noexcept { return clear_on_put_.load(memory_order_relaxed); }

    [[nodiscard]] bool hardened() const noexcept { return hardened_.load(memory_order_relaxed); }
    [[nodiscard]] std::size_t guard_sample() const noexcept { return guard_sample_.load(memory_order_relaxed); }
    [[nodiscard]] std::size_t quarantine() const noexcept { return quarantine_.load(memory_order_relaxed); }
    // Whether some option must see every get and put, so that none may be a hit.
    [[nodiscard]] bool no_hits() const noexcept { return zero_on_get() || clear_on_put() || hardened(); }

    [[nodiscard]] bool keeper() const noexcept { return keeper_.load(memory_order_relaxed); }
    [[nodiscard]] bool trim_on_fork() const noexcept { return trim_on_fork_.load(memory_order_relaxed); }
    [[nodiscard]] std::uint64_t weak_after_ns() const noexcept { return weak_after_.load(memory_order_relaxed); }
    [[nodiscard]] std::uint64_t gone_after_ns() const noexcept { return gone_after_.load(memory_order_relaxed); }

    void set(const options& wanted) noexcept {
        keeper_.store(wanted.keeper, memory_order_relaxed);
        trim_on_fork_.store(wanted.trim_on_fork, memory_order_relaxed);
        weak_after_.store(in_ns(wanted.weak_after), memory_order_relaxed);
        gone_after_.store(in_ns(wanted.gone_after), memory_order_relaxed);
        huge_.store(wanted.huge, memory_order_relaxed);
        zero_on_get_.store(wanted.zero_on_get, memory_order_relaxed);
        clear_on_put_.store(wanted.clear_on_put, memory_order_relaxed);
        hardened_.store(wanted.hardened, memory_order_relaxed);
        guard_sample_.store(wanted.guard_sample, memory_order_relaxed);
        quarantine_.store(wanted.quarantine, memory_order_relaxed);
    }

private:
    [[nodiscard]] static constexpr std::uint64_t in_ns(std::chrono::milliseconds t) noexcept {
        return static_cast<std::uint64_t>(std::chrono::nanoseconds(t).count());
    }
    atomic<bool> keeper_{true};
    atomic<bool> trim_on_fork_{false};
    atomic<std::uint64_t> weak_after_{in_ns(options().weak_after)};
    atomic<std::uint64_t> gone_after_{in_ns(options().gone_after)};
    atomic<huge_pages> huge_{huge_pages::automatic};
    atomic<bool> zero_on_get_{false};
    atomic<bool> clear_on_put_{false};
    atomic<bool> hardened_{false};
    atomic<std::size_t> guard_sample_{options().guard_sample};
    atomic<std::size_t> quarantine_{options().quarantine};
};

extern constinit settings the_settings;

} // namespace synk::inline v1::detail
