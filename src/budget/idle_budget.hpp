// How much may lie idle: every idle byte that may be resident is reserved here, by the layer that holds it.
//
// Invariant: sum of what caches reserved + bytes in channels + warm free pages of chunks + bytes on the shelf
//            <= reserved() <= limit(), but for what the limit was lowered by and the system refused to take.
// A reservation travels with a block from layer to layer; the word is touched when a block becomes idle
// without one, or stops being idle.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

class idle_budget {
public:
    static constexpr std::size_t default_limit = std::size_t{128} << 20;

    // The numbers decide how much may be kept, never who owns what: relaxed would do, but for the keeper, which must
    // not fall asleep over a reservation (take, force and reserved are seq_cst, see keeper.cpp).
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        const auto wanted = static_cast<std::int64_t>(bytes);
        std::int64_t seen = reserved_.load(memory_order_relaxed);
        do { // never more than fits, not for a moment: who is stopped in it would leave no room to anybody
            if (seen + wanted > limit_.load(memory_order_relaxed)) return false;
        } while (!reserved_.compare_exchange_weak(seen, seen + wanted, memory_order_seq_cst, memory_order_relaxed));
        return true;
    }
    // For memory that stays idle whether there is room or not (the system refused to take it).
    void force(std::size_t bytes) noexcept {
        reserved_.fetch_add(static_cast<std::int64_t>(bytes), memory_order_seq_cst);
    }
    void give(std::size_t bytes) noexcept {
        reserved_.fetch_sub(static_cast<std::int64_t>(bytes), memory_order_relaxed);
    }

    // In the child of a fork, whose other threads had reservations on their way.
    void set_reserved(std::size_t bytes) noexcept {
        reserved_.store(static_cast<std::int64_t>(bytes), memory_order_relaxed);
    }

    [[nodiscard]] std::size_t reserved() const noexcept {
        const std::int64_t now = reserved_.load(memory_order_seq_cst);
        return now > 0 ? static_cast<std::size_t>(now) : 0;
    }
    [[nodiscard]] std::size_t limit() const noexcept {
        return static_cast<std::size_t>(limit_.load(memory_order_relaxed));
    }
    // What one thread may have: the rest lets others begin.
    [[nodiscard]] std::size_t most_for_one() const noexcept { return limit() - limit() / 8; }

    void set_limit(std::size_t bytes) noexcept { limit_.store(static_cast<std::int64_t>(bytes), memory_order_relaxed); }

private:
    alignas(64) atomic<std::int64_t> reserved_{0};
    alignas(64) atomic<std::int64_t> limit_{default_limit};
};

extern constinit idle_budget budget;

} // namespace synk::inline v1::detail
