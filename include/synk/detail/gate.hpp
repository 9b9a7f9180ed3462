// The gate of a thread's cache: its owner passes through on every get and put, others may close it.
//
// Thread safety: one owner thread, any number of others.
// Invariant: the data behind the gate is touched by the owner between enter() and leave(), or by one other
// thread between a successful close() and open(), never by both.
//
// The argument is Dekker's: each side stores its own word and then loads the other's.
//     owner  O1: inside = 1    O2: load closed         other  C1: closed = 1    C2: load inside
// If both loads could miss the other's store, both would be in. A full barrier between store and load on each
// side excludes that; on the owner's side it would cost more than the rest of a get. So the owner has only a
// compiler barrier, and the other side calls membarrier(PRIVATE_EXPEDITED) between C1 and C2, which makes
// every running thread of the process pass a full barrier at some point of its own program between the two.
// Either the owner's O1 is before that point, then C2 sees it and close() fails, or O2 is after it and sees
// C1, and enter() fails. Where membarrier is refused, and under ThreadSanitizer, O1, O2, C1, C2
// are seq_cst.
//
// What is handed over is ordered by two more edges:
//     L1 -> C2: leave() publishes what the owner did to whoever closes the gate;
//     P1 -> O2: open() publishes what the other did to the owner.
//
// Nobody waits: an owner that meets a closed gate goes on without its cache, another that meets an owner
// inside leaves a wish (closed = asked_for), which the owner finds on its next slow path.
#pragma once

#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/config.hpp>

namespace synk {
inline namespace v1 {
namespace detail {

class cache_gate {
public:
    cache_gate() noexcept = default;
    // One that lets nobody in, neither this way nor that.
    [[nodiscard]] static constexpr cache_gate walled_up() noexcept { return cache_gate(held_); }

    // The fast way in: false when the gate is not wide open, or when the caller is a signal handler that
    // interrupted its own thread inside.
    [[nodiscard, gnu::always_inline]] bool enter() noexcept {
        // relaxed: the owner's own word; only a signal handler on this very thread can find it set, and leaves it so.
        const std::uint8_t before = inside_.load(memory_order_relaxed);
#if SYNK_TSAN
        inside_.store(1, memory_order_seq_cst);                       // O1, meets C2
        const std::uint8_t state = state_.load(memory_order_seq_cst); // O2, meets C1; acquires P1
#else
        inside_.store(1, memory_order_relaxed); // O1: the other side's membarrier is its barrier, meets C2
        compiler_barrier();
        const std::uint8_t state = state_.load(memory_order_acquire); // O2, meets C1; acquires P1
#endif
        static_assert(open_ == 0);
        if ((before | state) == 0) [[likely]] // one branch for both
            return true;
        inside_.store(before, memory_order_release); // as leave(), but for the handler
        return false;
    }

    // The way in for code that is slow anyway: pays for its own barrier, so it is right without membarrier
    // too, and passes a gate that is only marked (slow_only, asked_for).
    [[nodiscard]] bool enter_slow() noexcept {
        if (inside_.load(memory_order_relaxed) != 0) return false;         // relaxed: as in enter()
        inside_.store(1, memory_order_seq_cst);                            // O1, meets C2
        if ((state_.load(memory_order_seq_cst) & held_) == 0) return true; // O2, meets C1; acquires P1
        leave();
        return false;
    }

    // L1: publishes the owner's work to C2.
    [[gnu::always_inline]] void leave() noexcept { inside_.store(0, memory_order_release); }

    // Any other thread: tries to take what is behind the gate. `barrier` is called between C1 and C2:
    // membarrier, or nothing where enter() is seq_cst; where it returns false it was refused, and nobody can know
    // whether the owner is inside. Who finds the owner inside may leave the wish that it hands over all it has.
    template <class Barrier>
    [[nodiscard]] bool close(Barrier&& barrier, bool wish = true) noexcept {
        auto seen = state_.load(memory_order_relaxed); // relaxed: only a first guess for the CAS
        if ((seen & held_) != 0) return false;         // a third thread is at it
        // C1. acquire half: the previous holder's open() (P1), whose work we now continue.
        if (!state_.compare_exchange_strong(seen, static_cast<std::uint8_t>(seen | held_), memory_order_seq_cst,
                                            memory_order_relaxed))
            return false;
        if (passed(barrier) && inside_.load(memory_order_seq_cst) == 0) return true; // C2, meets O1; acquires L1
        if (wish) ask();
        open();
        return false;
    }

    // P1: publishes the other's work to O2 and to the next close().
    void open() noexcept { state_.fetch_and(static_cast<std::uint8_t>(~held_), memory_order_release); }

    // Leaves the wish that the owner hands over all it has, on its next operation.
    void ask() noexcept { state_.fetch_or(asked_for_, memory_order_relaxed); } // relaxed: it publishes nothing

    // Whether another thread is behind the gate, or tries to get there.
    [[nodiscard]] bool held() const noexcept {
        return (state_.load(memory_order_relaxed) & held_) != 0; // relaxed: a recent value
    }

    // From now on (or no longer) every enter() fails and the owner takes the slow way: for options that a hit
    // must not skip, for tools that must see each get and put, and where membarrier is missing.
    void set_slow_only(bool on) noexcept {
        // An owner may miss it for one operation. acquire, release: of two that set it the later one knows what the
        // earlier one knew (thread_caches::follow_options).
        if (on)
            state_.fetch_or(slow_only_, memory_order_acq_rel);
        else
            state_.fetch_and(static_cast<std::uint8_t>(~slow_only_), memory_order_acq_rel);
    }

    // The owner, on its slow path: has somebody asked in vain? Answers once.
    [[nodiscard]] bool take_wish() noexcept {
        if ((state_.load(memory_order_relaxed) & asked_for_) == 0) return false; // relaxed: found now or next time
        return (state_.fetch_and(static_cast<std::uint8_t>(~asked_for_), memory_order_relaxed) & asked_for_) != 0;
    }

private:
    constexpr explicit cache_gate(std::uint8_t state) noexcept : state_(state) {}

    template <class Barrier>
    static bool passed(Barrier& barrier) noexcept {
        if constexpr (requires { static_cast<bool>(barrier()); })
            return barrier();
        else
            return barrier(), true;
    }

    static constexpr std::uint8_t open_ = 0;
    static constexpr std::uint8_t held_ = 1;      // another thread owns what is behind the gate, or tries to
    static constexpr std::uint8_t slow_only_ = 2; // no fast way in
    static constexpr std::uint8_t asked_for_ = 4; // the owner is asked to hand over what it does not need

    atomic<std::uint8_t> inside_{0}; // written by the owner only
    atomic<std::uint8_t> state_{0};  // written by others, and by the owner in take_wish()
};

} // namespace detail
} // namespace v1
} // namespace synk
