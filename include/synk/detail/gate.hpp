// The gate of a thread's cache: its owner passes through on every get and put, others may close it.
//
// What is behind it has parts (a cache's bins), numbered from 1. The owner says which part it is going to, or in its
// slow paths that it is going to all of them. It may say for which page, too: see put_bias.hpp.
//
// Thread safety: one owner thread, any number of others.
// Invariant: a part of the data behind the gate is touched by the owner between enter() for this part, or enter_slow(),
// and leave(), or by one other thread between a successful close() and open(), never by both.
//
// The argument is Dekker's: each side stores its own word and then loads the other's.
//     owner  O1: inside = part  O2: load closed         other  C1: closed = 1    C2: load inside
// If both loads could miss the other's store, both would be in. A full barrier between store and load on each
// side excludes that; on the owner's side it would cost more than the rest of a get. So the owner has only a
// compiler barrier, and the other side calls membarrier(PRIVATE_EXPEDITED) between C1 and C2, which makes
// every running thread of the process pass a full barrier at some point of its own program between the two.
// Either the owner's O1 is before that point, then C2 sees it and leaves that part alone (or close() fails, where it is
// all parts), or O2 is after it and sees C1, and enter() fails. Where membarrier is refused, and under ThreadSanitizer,
// O1, O2, C1, C2 are seq_cst.
//
// The owner that was found in a part may leave it while the gate is closed. It is not let in again before the gate is
// open, not even there, though nobody else touches that part meanwhile.
//
// What is handed over is ordered by two more edges:
//     L1, O1 -> C2: leave() publishes what the owner did to whoever closes the gate, and so does its next O1, where C2
//                   sees that in its place;
//     P1 -> O2: open() publishes what the other did to the owner.
//
// Nobody waits: an owner that meets a closed gate goes on without its cache, another that meets an owner
// inside may leave a wish (asked_for), which the owner finds on its next slow path.
#pragma once

#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/config.hpp>
#include <synk/detail/size_class.hpp>

namespace synk {
inline namespace v1 {
namespace detail {

// What close() has got.
class gate_hold {
public:
    static constexpr unsigned no_part = 0;

    constexpr gate_hold() noexcept = default;
    constexpr explicit gate_hold(unsigned in_use) noexcept : held_(true), in_use_(in_use) {}

    // False: the gate was not closed.
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return held_; }
    // The part that is still the owner's, who was found there.
    [[nodiscard]] constexpr unsigned in_use() const noexcept { return in_use_; }

private:
    bool held_ = false;
    unsigned in_use_ = no_part;
};

class cache_gate {
public:
    cache_gate() noexcept = default;
    // One that lets nobody in, neither this way nor that.
    [[nodiscard]] static constexpr cache_gate walled_up() noexcept { return cache_gate(held_); }

    // The fast way in, to one part: false when the gate is not wide open, or when the caller is a signal handler that
    // interrupted its own thread inside. The page begins at a multiple of its size, or is none.
    [[nodiscard, gnu::always_inline]] bool enter(unsigned part, const void* page = nullptr) noexcept {
        const std::uintptr_t where = reinterpret_cast<std::uintptr_t>(page) + part;
        // relaxed: the owner's own word; only a signal handler on this very thread can find it set. It must not write
        // its own part there, not for a moment: C2 would miss the one that it interrupted.
        if (inside_.load(memory_order_relaxed) != nowhere_) [[unlikely]]
            return false;
#if SYNK_TSAN
        inside_.store(where, memory_order_seq_cst);                // O1, meets C2
        if (state_.load(memory_order_seq_cst) == open_) [[likely]] // O2, meets C1; acquires P1
            return true;
#else
        inside_.store(where, memory_order_release); // O1: the other side's membarrier is its barrier, meets C2
        compiler_barrier();
        if (state_.load(memory_order_acquire) == open_) [[likely]] // O2, meets C1; acquires P1
            return true;
#endif
        leave();
        return false;
    }

    // The way in for code that is slow anyway, to all parts: pays for its own barrier, so it is right without
    // membarrier too, and passes a gate that is only marked (slow_only, asked_for).
    [[nodiscard]] bool enter_slow() noexcept {
        if (inside_.load(memory_order_relaxed) != nowhere_) return false; // relaxed: as in enter()
        inside_.store(trying_, memory_order_seq_cst);                     // O1, meets C2
        if ((state_.load(memory_order_seq_cst) & held_) == 0) {           // O2, meets C1; acquires P1
            inside_.store(everywhere_, memory_order_relaxed);             // relaxed: to others it is the same as O1
            // A handler may have come between, forked, and given the cache up in the child (entered_slow()).
            if (!held()) return true;
        }
        leave();
        return false;
    }

    // L1: publishes the owner's work to C2.
    [[gnu::always_inline]] void leave() noexcept { inside_.store(nowhere_, memory_order_release); }

    // Any other thread: tries to take what is behind the gate, but for the part that the owner is in at this moment.
    // `barrier` is called between C1 and C2: membarrier, or nothing where enter() is seq_cst; where it returns false it
    // was refused, and nobody can know where the owner is. Who does not get all may leave the wish that the owner hands
    // over all it has.
    template <class Barrier>
    [[nodiscard]] gate_hold close(Barrier&& barrier, bool wish = true) noexcept {
        return shut() ? look_inside(passed(barrier), wish) : gate_hold();
    }

    // The two halves of close(), for who closes many gates: shut() each, one barrier for all, then look_inside() each
    // that was shut. False: a third thread is at it.
    [[nodiscard]] bool shut() noexcept {
        auto seen = state_.load(memory_order_relaxed); // relaxed: only a first guess for the CAS
        if ((seen & held_) != 0) return false;
        // C1. acquire half: the previous holder's open() (P1), whose work we now continue.
        return state_.compare_exchange_strong(seen, static_cast<std::uint8_t>(seen | held_), memory_order_seq_cst,
                                              memory_order_relaxed);
    }
    // Where it does not return a hold the gate is open again.
    [[nodiscard]] gate_hold look_inside(bool barrier_passed, bool wish) noexcept {
        // C2, meets O1; acquires L1
        const std::uintptr_t inside = barrier_passed ? inside_.load(memory_order_seq_cst) : everywhere_;
        if (inside != nowhere_ && wish) ask();
        if (inside < trying_) return gate_hold(static_cast<unsigned>(inside % page_size));
        open();
        return {};
    }

    // P1: publishes the other's work to O2 and to the next close().
    void open() noexcept { state_.fetch_and(static_cast<std::uint8_t>(~held_), memory_order_release); }

    // Leaves the wish that the owner hands over all it has, on its next operation.
    void ask() noexcept { state_.fetch_or(asked_for_, memory_order_relaxed); } // relaxed: it publishes nothing

    // Anybody: the page that the owner is inside for, null: none. seq_cst: as C2, whose barrier is the caller's.
    [[nodiscard]] const void* page_inside() const noexcept {
        const std::uintptr_t inside = inside_.load(memory_order_seq_cst);
        return inside < trying_ ? reinterpret_cast<const void*>(inside - inside % page_size) : nullptr;
    }

    // For an owner that has ceased to be, in the child of a fork: nobody is inside any more.
    void forget_owner() noexcept { leave(); }

    // The owner, or a signal handler that interrupted it: whether it is inside.
    [[nodiscard]] bool entered() const noexcept {
        return inside_.load(memory_order_relaxed) != nowhere_; // relaxed: the owner's own word
    }

    // And to all parts: nobody else is behind the gate then, but somebody may be trying. So a handler's fork finds it.
    [[nodiscard]] bool entered_slow() const noexcept { return inside_.load(memory_order_relaxed) == everywhere_; }

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

    static constexpr std::uintptr_t nowhere_ = gate_hold::no_part; // of inside_
    static constexpr std::uintptr_t everywhere_ = ~std::uintptr_t{0};
    static constexpr std::uintptr_t trying_ = everywhere_ - 1; // to be there

    static constexpr std::uint8_t open_ = 0;      // of state_
    static constexpr std::uint8_t held_ = 1;      // another thread owns what is behind the gate, or tries to
    static constexpr std::uint8_t slow_only_ = 2; // no fast way in
    static constexpr std::uint8_t asked_for_ = 4; // the owner is asked to hand over what it does not need

    atomic<std::uintptr_t> inside_{nowhere_}; // page + part; written by the owner only
    atomic<std::uint8_t> state_{0};           // written by others, and by the owner in take_wish()
};

} // namespace detail
} // namespace v1
} // namespace synk
