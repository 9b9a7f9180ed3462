// Worlds of the bias: an owner takes back what it lent, others put the same pages, legitimately or a second time.
#pragma once

#include <cstdint>

#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace synk_explorer {

// Barrier: what the others call between withdrawing and looking.
template <class Gate, class Bias, class Barrier, unsigned Pages>
struct bias_world {
    static constexpr std::uint32_t idle = 0x10001;
    static constexpr unsigned lender = 5;
    static constexpr std::uint32_t owners = Bias::mark_of(lender);
    static constexpr std::uint32_t nobodys = Bias::mark_of(Bias::nobody);

    Gate gate;
    Bias bias;
    synk::detail::atomic<std::uint32_t> record[Pages];
    std::uint32_t in_a_row = 0;
    unsigned tried[Pages] = {};
    unsigned taken[Pages] = {};

    bias_world() {
        bias.begin(lender);
        for (auto& r : record) r.store(idle + bias.mark(), std::memory_order_relaxed);
    }

    static const void* page(unsigned i) { return reinterpret_cast<const void*>(std::uintptr_t{4096} * (i + 1)); }

    // As the pool puts a bare pointer: src/pools/bare_pointers.cpp. False: another puts it, too, and the process ends.
    bool owner_puts(unsigned i) {
        ++tried[i];
        if (take_inside(i)) return count(i);
        const std::uint32_t lent = record[i].load(std::memory_order_relaxed);
        if (lent != idle + owners && lent != idle + nobodys) return false;
        return Bias::swap(record[i], lent, idle) && count(i);
    }
    bool another_puts(unsigned i) {
        ++tried[i];
        const std::uint32_t lent = record[i].load(std::memory_order_relaxed);
        if ((lent & Bias::bare_bit) == 0) return false;
        const unsigned by = Bias::lender_in(lent);
        if (by == Bias::being_taken) return false;
        return (by == Bias::nobody ? Bias::swap(record[i], lent, idle)
                                   : bias.take_another(record[i], lent, idle, gate, page(i), Barrier())) &&
               count(i);
    }
    // Another puts a page that it need not share; returns how many barriers that took.
    unsigned barriers_of_another(unsigned i) {
        record[i].store(idle + owners, std::memory_order_relaxed);
        unsigned barriers = 0;
        const auto counted = [&barriers] {
            ++barriers;
            return Barrier()();
        };
        require(bias.take_another(record[i], idle + owners, idle, gate, page(i), counted), "nobody is in the way");
        return barriers;
    }
    bool take_inside(unsigned i) {
        require(gate.enter(i + 1, page(i)), "nobody closes the gate");
        const auto seen = bias.look();
        const bool took = !seen.nobodys_come_first() && seen.take(record[i], idle);
        gate.leave();
        if (took || !bias.look().nobodys_come_first()) return took;
        require(gate.enter(i + 1, page(i)), "nobody closes the gate");
        const bool took_either = bias.take_own_or_nobodys(record[i], idle, in_a_row);
        gate.leave();
        return took_either;
    }
    // As its put of a block does that was nobody's.
    void owner_takes_back() {
        require(gate.enter(1), "nobody closes the gate");
        bias.take_back();
        in_a_row = 0;
        gate.leave();
    }
    // One more own put, and the owner that has expected others' no longer does.
    void be_about_to_expect_its_own() {
        bias.expect_others();
        for (int puts = 0; puts < 3; ++puts) {
            record[0].store(idle + owners, std::memory_order_relaxed);
            require(take_inside(0), "its own is found, too");
        }
        record[0].store(idle + owners, std::memory_order_relaxed);
    }
    bool count(unsigned i) {
        ++taken[i];
        return true;
    }
    void finish() {
        for (unsigned i = 0; i < Pages; ++i) {
            require(taken[i] <= 1, "two have put the same page");
            require(taken[i] == 1 || tried[i] != 1, "a put in which nobody was in the way has failed");
            require(taken[i] == 0 || record[i].load() == idle, "a record keeps a mark that its put has taken away");
        }
    }
};

// Of all who put the same page at most one succeeds; the owner may be inside for another page already.
template <class Gate, class Bias, class Barrier>
struct bias_contested : bias_world<Gate, Bias, Barrier, 2> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i != 0) return static_cast<void>(this->another_puts(0));
        this->owner_puts(0);
        this->owner_puts(1);
    }
};

// The bias is withdrawn for the sake of one page while the owner puts the other, which a third one puts, too: it may
// find the bias settled already.
template <class Gate, class Bias, class Barrier>
struct bias_settled : bias_world<Gate, Bias, Barrier, 2> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) this->owner_puts(0);
        if (i == 1) this->another_puts(1);
        if (i == 2) this->another_puts(0);
    }
};

// Settled at first, and taken back before the owner and another put the same page.
template <class Gate, class Bias, class Barrier>
struct bias_taken_back : bias_world<Gate, Bias, Barrier, 2> {
    static constexpr unsigned threads = 2;
    bias_taken_back() { this->another_puts(1); }
    void thread(unsigned i) {
        if (i == 1) return static_cast<void>(this->another_puts(0));
        this->owner_takes_back();
        this->owner_puts(0);
    }
};

// Taken back behind the back of one who is about to say that it is settled, or that it is withdrawn.
template <class Gate, class Bias, class Barrier>
struct bias_taken_back_between : bias_world<Gate, Bias, Barrier, 3> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) {
            this->owner_takes_back();
            this->owner_puts(0);
        } else if (i == 1) {
            this->another_puts(1);
            this->another_puts(0);
        } else {
            this->another_puts(2);
        }
    }
};

// Likewise, and the owner stays inside: from then on it may be about to take what it has lent.
template <class Gate, class Bias, class Barrier>
struct bias_taken_back_inside : bias_world<Gate, Bias, Barrier, 3> {
    static constexpr unsigned threads = 3;
    bool taken_back = false;
    void thread(unsigned i) {
        if (i != 0) return static_cast<void>(this->another_puts(i));
        require(this->gate.enter(1, this->page(0)), "nobody closes the gate");
        this->bias.take_back();
        this->bias.expect_others(); // sees what is there, where taking back may have seen what was there before
        taken_back = this->bias.mark() == this->owners;
    }
    void finish() {
        if (taken_back) require(this->barriers_of_another(1) == 1, "it is settled, and the owner is inside");
    }
};

// What the owner learns of its own puts does not bring back what is withdrawn meanwhile: not its mark, and not its way
// to take one that is another's as well.
template <class Gate, class Bias, class Barrier>
struct bias_stays_withdrawn : bias_world<Gate, Bias, Barrier, 3> {
    static constexpr unsigned threads = 2;
    bias_stays_withdrawn() {
        this->be_about_to_expect_its_own();
        this->record[1].store(this->idle + this->nobodys, std::memory_order_relaxed);
    }
    void thread(unsigned i) {
        if (i == 0) {
            this->owner_puts(0);
            this->owner_puts(1);
            this->bias.expect_others();
        } else {
            this->another_puts(2);
            this->another_puts(1);
        }
    }
    void finish() {
        bias_world<Gate, Bias, Barrier, 3>::finish();
        require(this->bias.mark() == this->nobodys, "the bias is not withdrawn");
    }
};

// What is lent and put with nobody in the way, by whatever mark.
template <class Gate, class Bias, class Barrier>
struct bias_alone : bias_world<Gate, Bias, Barrier, 2> {
    static constexpr unsigned threads = 1;
    void lend(unsigned i) { this->record[i].store(this->idle + this->bias.mark(), std::memory_order_relaxed); }
    void thread(unsigned) {
        const std::uint32_t own = this->owners;
        require(this->bias.mark() == own, "the owner lends in its name");
        require(this->gate.enter(1, this->page(0)) && this->gate.page_inside() == this->page(0), "where is the owner?");
        require(!this->bias.take_another(this->record[0], this->idle + own, this->idle, this->gate, this->page(0),
                                         Barrier()),
                "a page that its owner is putting is taken");
        this->gate.leave();
        require(this->bias.mark() == this->nobodys, "the bias is not withdrawn");
        lend(0);
        require(this->record[0].load() == this->idle + this->nobodys && this->take_inside(0), "as above");
        require(!this->take_inside(1) && this->owner_puts(1), "a mark of its own is the slow way's now");
        this->owner_takes_back();
        lend(0), lend(1);
        require(this->bias.mark() == own && this->take_inside(0) && !this->take_inside(0), "it was taken back");
        for (int times = 0; times < 2; ++times) {
            this->record[1].store(this->idle + this->nobodys);
            require(this->take_inside(1), "nobody's is found, where it is expected");
            this->be_about_to_expect_its_own();
        }
        require(this->take_inside(0), "its own is found, too");
        this->record[1].store(this->idle + this->nobodys);
        require(!this->take_inside(1) && this->owner_puts(1), "nobody's is not expected any more");
        this->bias.expect_others();
        this->record[1].store(this->idle + this->nobodys);
        require(this->take_inside(1), "nobody's is expected again");
        Bias of_none;
        of_none.take_back();
        require(of_none.mark() == this->nobodys, "who has no number lends as nobody");
        this->record[1].store(this->idle + this->nobodys);
        require(of_none.take_own_or_nobodys(this->record[1], this->idle, this->in_a_row),
                "and takes back what is nobody's");
        require(this->barriers_of_another(1) == 1 && this->barriers_of_another(0) == 0,
                "the bias is settled once, and then no barrier is needed");
        this->tried[0] = this->tried[1] = this->taken[0] = this->taken[1] = 0;
    }
};

} // namespace synk_explorer
