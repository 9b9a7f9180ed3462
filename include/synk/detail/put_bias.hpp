// How a thread takes back without a locked instruction what it has lent as bare pointers.
//
// A block that is lent as a bare pointer has a mark in its record, which its put takes away: of two threads that put
// the same pointer at once one must find it gone. An atomic read-modify-write does that, and on many processors costs
// as much as all the rest of a put. Most often the thread that lent a block puts it, too. So its marks name it (as a
// lock is biased to a thread elsewhere), and it alone may take such a mark away by a load and a store. Whoever else
// puts such a block has the bias withdrawn: from then on the lender's marks are nobody's, which everybody takes away by
// a read-modify-write, until it has put so many itself that another withdrawal would be paid for.
//
// Thread safety: one owner, who lends and takes from inside its gate; any number of others.
// Promise: who alone takes a mark succeeds; of several who take the same one at most one does, and each other is told.
//
// The argument. The owner says at its gate (gate.hpp) which page it puts:
//     O1: inside = page   O2: load bias   O3: load record, is it mine?   O4: record = idle   O5: leave
// Another that finds the owner's mark:
//     C1: record: the owner's -> being taken, by compare-and-swap; whoever else finds it so puts the same pointer
//     C2: load bias; where it is *settled*, go on to C5
//     C3: bias = withdrawn; membarrier, before which and after which the owner is as gate.hpp says
//     C4: load inside: this page? Then the owner is putting the same pointer, and C fails.
//         No page at all? Then bias = settled, if the owner has not taken it back since C3.
//     C5: record: being taken -> idle, by compare-and-swap. Where that fails the owner has put the same pointer.
// Not settled: if O1 is behind the owner's point of the barrier, O3 sees C1. If it is before, C4 sees this page, or
// that the owner has left since, and then C5 sees O4. Settled means that each O2 which sees the bias of before has had
// its O5, which who settled has seen, and C2 from there: so C5 sees O4. The owner takes it back (G1) in a new version
// of the word. An O2 behind that and an O3 before C1 mean that C2 sees G1 or what came later, as O2, O3, C1 and C2 are
// seq_cst: C2 does not find settled what was so before G1. While it is withdrawn the owner takes nothing by load and
// store: C3 says as well that nobody's marks are to be looked for first, and that ends only by the owner's
// compare-and-swap of a word in which it is not withdrawn.
//
// Where the system refuses the barrier that it granted before, nobody knows where the owner is: then it is taken not to
// be putting this page, as who puts it alone must not fail.
#pragma once

#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/gate.hpp>

namespace synk {
inline namespace v1 {
namespace detail {

class put_bias {
public:
    // What a record with a mark is more than without: a bit, who lent the block, and above a number by which a stray
    // write to that is noticed.
    static constexpr std::uint32_t bare_bit = 1U << 6;
    static constexpr unsigned lender_shift = 8;
    static constexpr unsigned nobody = 0;
    static constexpr unsigned being_taken = 0xFF; // by another thread, at this moment
    static constexpr unsigned most_lenders = being_taken - 1;
    [[nodiscard]] static constexpr unsigned lender_in(std::uint32_t record) noexcept {
        return record >> lender_shift & being_taken;
    }
    [[nodiscard]] static constexpr std::uint32_t mark_of(unsigned lender) noexcept {
        return bare_bit + (lender << lender_shift) + (lender * 0x5A35U << 16); // odd: no two lenders' are the same
    }

    // Lends as nobody, for ever.
    constexpr put_bias() noexcept = default;
    // Before anybody else knows the owner: its number among those that lend in their names.
    void begin(unsigned lender) noexcept {
        word_.store(mark_of(lender) + (std::uint64_t{lender} << name_shift), memory_order_relaxed);
    }

    // The owner, and signal handlers that interrupt it: the mark to lend with. relaxed: which one a record has decides
    // only how it is taken away.
    [[nodiscard]] std::uint32_t mark() const noexcept { return mark_in(word_.load(memory_order_relaxed)); }

    // What the owner sees there inside its gate, and which marks it may take away therefore.
    class view {
    public:
        // Then take_own_or_nobodys() is the way to go.
        [[nodiscard]] bool nobodys_come_first() const noexcept { return (seen_ & nobodys_first) != 0; }
        // The owner, inside its gate for this page, where nobody's do not come first: takes away the mark that it would
        // lend with now. idle: the record without. False where there is another mark, or none.
        [[nodiscard, gnu::always_inline]] bool take(atomic<std::uint32_t>& record, std::uint32_t idle) const noexcept {
            return take_marked(record, idle, mark_in(seen_));
        }

    private:
        friend class put_bias;
        explicit view(std::uint64_t seen) noexcept : seen_(seen) {}
        std::uint64_t seen_;
    };
    [[nodiscard, gnu::always_inline]] view look() const noexcept {
        return view(word_.load(memory_order_seq_cst)); // O2, sees G1
    }
    // As view::take(), and nobody's mark as well, which is looked for first. in_a_row: the owner's, who keeps it for
    // this, 0 at first.
    [[nodiscard]] bool take_own_or_nobodys(atomic<std::uint32_t>& record, std::uint32_t idle,
                                           std::uint32_t& in_a_row) noexcept {
        std::uint64_t seen = look().seen_;
        if (swap(record, idle + mark_of(nobody), idle)) {
            earn_it_back(seen, in_a_row);
            return true;
        }
        if (is_withdrawn(seen) || !take_marked(record, idle, mark_in(seen))) return false;
        // Not of a word that was withdrawn meanwhile. relaxed: a guess
        if (++in_a_row % enough_of_its_own == 0)
            word_.compare_exchange_strong(seen, seen & ~nobodys_first, memory_order_relaxed, memory_order_relaxed);
        return true;
    }
    // The owner, or a signal handler that interrupts it, has put what others lent. Who does so once does so again, and
    // to look at such a record before the read-modify-write would fetch it twice from another processor.
    void expect_others() noexcept {
        if ((word_.load(memory_order_relaxed) & nobodys_first) == 0) // relaxed, here and below: a guess
            word_.fetch_or(nobodys_first, memory_order_relaxed);
    }

    // Any other thread: takes away this owner's mark from the record of the page. lent, idle: the record with it and
    // without any. Where it was in vain, somebody else has put the page.
    template <class Barrier>
    [[nodiscard]] bool take_another(atomic<std::uint32_t>& record, std::uint32_t lent, std::uint32_t idle,
                                    const cache_gate& owners, const void* page, Barrier&& barrier) noexcept {
        const std::uint32_t taking = idle + mark_of(being_taken);
        if (!record.compare_exchange_strong(lent, taking, memory_order_seq_cst, memory_order_relaxed)) // C1
            return false;
        const std::uint64_t seen = word_.load(memory_order_seq_cst); // C2, sees G1
        const bool settled = (seen & settled_bit) != 0;
        return (settled || withdraw(seen, owners, page, barrier)) && swap(record, taking, idle); // C5
    }

    // The owner, inside its gate: lends in its name again. What comes between load and store can only be that it is
    // settled, or a guess.
    void take_back() noexcept {
        const std::uint64_t seen = word_.load(memory_order_relaxed); // relaxed: see above
        if (!is_withdrawn(seen)) return;
        word_.store((seen & all_but_mark & ~settled_bit) + one_version + mark_of(name_in(seen)),
                    memory_order_relaxed); // G1
    }

    // Takes away a mark that is nobody's, or one's own where one is not inside the gate. relaxed: it decides between
    // two that put the same pointer, it publishes nothing.
    [[nodiscard]] static bool swap(atomic<std::uint32_t>& record, std::uint32_t lent, std::uint32_t idle) noexcept {
        return record.compare_exchange_strong(lent, idle, memory_order_relaxed, memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t settled_bit = std::uint64_t{1} << 32;
    static constexpr unsigned name_shift = 33;                             // the owner's number, withdrawn or not
    static constexpr std::uint64_t one_version = std::uint64_t{1} << 41;   // how often it was taken back
    static constexpr std::uint64_t nobodys_first = std::uint64_t{1} << 63; // what the owner's puts look for
    static constexpr std::uint64_t all_but_mark = ~(settled_bit - 1);

    // So many own puts in a row, and the owner no longer looks for nobody's marks first: in vain that costs it a fourth
    // of what it costs to learn anew that it should.
    static constexpr unsigned enough_of_its_own = 4;
    // So many puts, the first time, and the bias is taken back: what a withdrawal costs is little against them.
    static constexpr unsigned first_patience = 256;
    static constexpr std::uint64_t most_patient = 256; // times as many, the later times

    [[nodiscard]] static constexpr std::uint32_t mark_in(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(word);
    }
    [[nodiscard]] static constexpr std::uint64_t withdrawn(std::uint64_t word) noexcept {
        return (word & all_but_mark) | nobodys_first | mark_of(nobody);
    }
    [[nodiscard]] static constexpr unsigned name_in(std::uint64_t word) noexcept {
        return static_cast<unsigned>(word >> name_shift) & being_taken;
    }
    [[nodiscard]] static constexpr bool is_withdrawn(std::uint64_t word) noexcept {
        return mark_in(word) == mark_of(nobody);
    }

    // Only where the bias is the owner's. False: another mark is there, or none.
    [[nodiscard, gnu::always_inline]] static bool take_marked(atomic<std::uint32_t>& record, std::uint32_t idle,
                                                              std::uint32_t mark) noexcept {
        if (record.load(memory_order_seq_cst) != idle + mark) [[unlikely]] // O3, sees C1
            return false;
        record.store(idle, memory_order_relaxed); // O4: published by O5
        return true;
    }

    void earn_it_back(std::uint64_t seen, std::uint32_t& in_a_row) noexcept {
        const std::uint64_t before = (seen & ~nobodys_first) / one_version;
        const std::uint64_t times = before < most_patient ? before + 1 : most_patient;
        const bool may = is_withdrawn(seen) && name_in(seen) != nobody;
        in_a_row = may ? in_a_row + 1 : 0;
        if (!may || in_a_row < first_patience * times) return;
        in_a_row = 0;
        take_back();
    }

    // seen: by C2. False: the owner is putting this page.
    template <class Barrier>
    [[nodiscard]] bool withdraw(std::uint64_t seen, const cache_gate& owners, const void* page,
                                Barrier& barrier) noexcept {
        while (!is_withdrawn(seen) &&
               !word_.compare_exchange_weak(seen, withdrawn(seen), memory_order_seq_cst, memory_order_relaxed)) {
        } // C3
        seen = withdrawn(seen);
        const bool passed = barrier();
        const void* const inside = owners.page_inside(); // C4, sees O1; acquires O5
        if (inside == page) return false;
        if (passed && inside == nullptr) // release: who finds it settled has O5 behind it
            word_.compare_exchange_strong(seen, seen | settled_bit, memory_order_release, memory_order_relaxed);
        return true;
    }

    // The mark to lend with | settled | the owner's number | version | nobody's first. The version has 22 bits: it
    // comes again when the owner has put blocks for minutes while another stands between C4 and what follows.
    atomic<std::uint64_t> word_{mark_of(nobody) | nobodys_first};
};

} // namespace detail
} // namespace v1
} // namespace synk
