// Items that lie for a while: the first that came in is the first that comes out, roughly.
//
//     tail                 head          slot i % slots: 0, or an item
//      | a | b | 0 | d | e | ...         pop() takes from tail, push() lays at head
//
// Thread safety: any number of threads; lock-free. Invariant: an item belongs to whoever takes it out of its slot, by
// one exchange (E1, E2); nothing else decides who owns it. head and tail only say where to look: a push that is slow
// between its two steps may be passed by tail, and its item then lies until push() comes round to it, or sweep() comes.
#pragma once

#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

template <std::uint64_t Slots>
class basic_delay_ring {
public:
    static constexpr std::uint64_t slots = Slots;

    // Lays an item (not 0) in. Returns what had to make way for it, laid there a whole round ago; 0 for nothing.
    [[nodiscard]] std::uint64_t push(std::uint64_t item) noexcept {
        const std::uint64_t i = head_.fetch_add(1, memory_order_relaxed); // relaxed: only where to look
        // E1: publishes the item to E2, and acquires what comes out from the E1 that laid it there.
        return slot_[i % slots].exchange(item, memory_order_acq_rel);
    }

    // The oldest item of those that were laid before `end`, as head() gave it; 0 when there is none.
    [[nodiscard]] std::uint64_t pop(std::uint64_t end) noexcept {
        std::uint64_t i = tail_.load(memory_order_relaxed); // relaxed, here and below: only where to look
        for (;;) {
            const std::uint64_t first = oldest(i);
            if (first >= end) return 0;
            if (!tail_.compare_exchange_weak(i, first + 1, memory_order_relaxed, memory_order_relaxed)) continue;
            if (const std::uint64_t item = take(first)) return item;
            i = first + 1;
        }
    }

    [[nodiscard]] std::uint64_t head() const noexcept { return head_.load(memory_order_relaxed); } // relaxed: as above

    // Takes out whatever lies in any slot: found(item).
    template <class Found>
    void sweep(Found found) noexcept {
        for (std::uint64_t i = 0; i < slots; ++i)
            if (const std::uint64_t item = take(i)) found(item);
    }

    // Shows whatever lies in any slot: found(item). While others are at work, a recent picture.
    template <class Found>
    void look(Found found) const noexcept {
        for (const auto& slot : slot_)
            if (const std::uint64_t item = slot.load(memory_order_relaxed))
                found(item); // relaxed: it stays where it is
    }

private:
    // What was laid more than a round before head has made way already.
    [[nodiscard]] std::uint64_t oldest(std::uint64_t i) const noexcept {
        const std::uint64_t end = head();
        return end > slots && i < end - slots ? end - slots : i;
    }

    [[nodiscard]] std::uint64_t take(std::uint64_t i) noexcept {
        auto& slot = slot_[i % slots];
        if (slot.load(memory_order_relaxed) == 0) return 0; // relaxed: a guess, the exchange decides
        return slot.exchange(0, memory_order_acquire);      // E2: acquires E1
    }

    alignas(64) atomic<std::uint64_t> head_{0};
    alignas(64) atomic<std::uint64_t> tail_{0};
    atomic<std::uint64_t> slot_[slots]{};
};

using delay_ring = basic_delay_ring<8192>;

} // namespace synk::inline v1::detail
