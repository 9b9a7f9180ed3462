// A bounded channel of blocks that never makes a thread wait.
//
// At most 256 slots in four groups of 64. A group has a bitmap of empty slots and, for each kind of block, a
// bitmap of full slots. Every slot is in one of four states, and each change of state is one
// read-modify-write on a bitmap, which moves up to 64 slots at once:
//
//     empty (bit in `empty`)  --P1-->  a producer's   --P2-->  full (bit in `full[kind]`)
//       ^                                                        |
//       +-------------C2-------------  a consumer's   <---C1-----+
//
// Who clears a bit owns its slot until it sets a bit for it, so the slots themselves are plain memory. A bit
// says all there is to say about its slot: that it was cleared and set again meanwhile (ABA) changes nothing.
// Edges: P2 -> C1 publishes the slot's contents to the consumer; C2 -> P1 hands the emptied slot back.
// A thread stopped between P1 and P2, or C1 and C2, takes its own slots (one batch) out of play and stops
// nobody: there is no head and no tail to be held. Order of blocks is not promised.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

class channel {
public:
    static constexpr unsigned kinds = 4;
    static constexpr unsigned group_slots = 64;
    static constexpr unsigned max_bound = 256;

    // Room for `bound` blocks of all kinds together.
    explicit constexpr channel(unsigned bound) noexcept
        : bound_(bound), groups_((bound + group_slots - 1) / group_slots), group_{group(bound, 0), group(bound, 1),
                                                                                  group(bound, 2), group(bound, 3)} {}

    [[nodiscard]] unsigned bound() const noexcept { return bound_; }

    // Puts the first blocks of items[0, n); returns how many found a slot, the rest stay the caller's.
    unsigned put(unsigned kind, std::byte* const* items, unsigned n) noexcept {
        unsigned done = 0;
        for (unsigned g = 0; g < groups_ && done < n; ++g) done += put_into(group_[g], kind, items + done, n - done);
        return done;
    }

    // Gets up to n blocks of this kind into out; returns how many.
    unsigned get(unsigned kind, std::byte** out, unsigned n) noexcept {
        unsigned done = 0;
        for (unsigned g = 0; g < groups_ && done < n; ++g)
            done += get_slots(group_[g], kind, ~std::uint64_t{0}, out + done, n - done);
        return done;
    }

    // Gets the blocks of group g, of every kind and at most 64, that have lain in it since the last call of this
    // for the group. One caller at a time (the keeper); a second one would take some early.
    unsigned get_stale(unsigned g, std::byte** out) noexcept {
        if (g >= groups_) return 0;
        // relaxed: a slot that was filled just now and is not seen as fresh is taken early, which is a pity and
        // no more.
        const std::uint64_t fresh = group_[g].fresh.exchange(0, memory_order_relaxed);
        unsigned done = 0;
        for (unsigned kind = 0; kind < kinds; ++kind)
            done += get_slots(group_[g], kind, ~fresh, out + done, group_slots - done);
        return done;
    }
    static constexpr unsigned max_groups = max_bound / group_slots;

    // Blocks of a kind in the channel: a recent value while others are at work.
    [[nodiscard]] unsigned size(unsigned kind) const noexcept {
        unsigned sum = 0;
        for (unsigned g = 0; g < groups_; ++g) // relaxed: a count
            sum += static_cast<unsigned>(std::popcount(group_[g].full[kind].load(memory_order_relaxed)));
        return sum;
    }

    // Blocks of all kinds, those included that are on their way in or out: never more than the bound, which the sum
    // of the kinds, read one after another, may be.
    [[nodiscard]] unsigned size() const noexcept {
        unsigned free = 0;
        for (unsigned g = 0; g < groups_; ++g) // relaxed: a count
            free += static_cast<unsigned>(std::popcount(group_[g].empty.load(memory_order_relaxed)));
        return bound_ - free;
    }

    // In the child of a fork, whose one thread was in no get or put of a channel: slots that another thread had in its
    // hands are empty again. The blocks in them are nobody's. relaxed: nobody else is there.
    void recover_slots() noexcept {
        for (unsigned g = 0; g < groups_; ++g) {
            std::uint64_t full = 0;
            for (const auto& of_kind : group_[g].full) full |= of_kind.load(memory_order_relaxed);
            group_[g].empty.store(group(bound_, g).empty.load(memory_order_relaxed) & ~full, memory_order_relaxed);
        }
    }

private:
    struct alignas(64) group {
        // The slots of the channel's `bound` that fall into the group with this number.
        constexpr group(unsigned bound, unsigned number) noexcept
            : empty(bound >= (number + 1) * group_slots ? ~std::uint64_t{0}
                    : bound <= number * group_slots     ? std::uint64_t{0}
                                                        : (std::uint64_t{1} << (bound % group_slots)) - 1) {}

        atomic<std::uint64_t> empty;
        atomic<std::uint64_t> fresh{0}; // slots that were filled since get_stale() looked
        atomic<std::uint64_t> full[kinds]{};
        plain<std::byte*> slot[group_slots]{};
    };

    // The lowest n set bits.
    [[nodiscard]] static std::uint64_t lowest(std::uint64_t bits, unsigned n) noexcept {
        std::uint64_t rest = bits;
        while (n-- != 0) rest &= rest - 1;
        return bits & ~rest;
    }

    // Clears up to n bits of the word, of those in `wanted`, and returns them: their slots are now the
    // caller's. acquire: see the edges.
    [[nodiscard]] static std::uint64_t own(atomic<std::uint64_t>& word, std::uint64_t wanted, unsigned n) noexcept {
        std::uint64_t seen = word.load(memory_order_relaxed); // relaxed: a guess, the CAS decides
        while ((seen & wanted) != 0) {
            const std::uint64_t taken = lowest(seen & wanted, n);
            if (word.compare_exchange_weak(seen, seen & ~taken, memory_order_acquire, memory_order_relaxed))
                return taken;
        }
        return 0;
    }

    static unsigned put_into(group& g, unsigned kind, std::byte* const* items, unsigned n) noexcept {
        const std::uint64_t slots = own(g.empty, ~std::uint64_t{0}, n); // P1, pairs with C2
        if (slots == 0) return 0;
        unsigned done = 0;
        for (std::uint64_t rest = slots; rest != 0; rest &= rest - 1) g.slot[std::countr_zero(rest)] = items[done++];
        g.fresh.fetch_or(slots, memory_order_relaxed);      // relaxed: see get_stale
        g.full[kind].fetch_or(slots, memory_order_release); // P2, pairs with C1
        return done;
    }

    static unsigned get_slots(group& g, unsigned kind, std::uint64_t wanted, std::byte** out, unsigned n) noexcept {
        const std::uint64_t slots = own(g.full[kind], wanted, n); // C1, pairs with P2
        if (slots == 0) return 0;
        unsigned done = 0;
        for (std::uint64_t rest = slots; rest != 0; rest &= rest - 1) out[done++] = g.slot[std::countr_zero(rest)];
        g.empty.fetch_or(slots, memory_order_release); // C2, pairs with P1
        return done;
    }

    unsigned bound_;
    unsigned groups_;
    group group_[max_bound / group_slots];
};

} // namespace synk::inline v1::detail
