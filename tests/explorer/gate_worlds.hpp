// Worlds of the cache's gate: an owner that passes through, and others that close it.
#pragma once

#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace synk_explorer {

// Barrier: what the others call between closing and looking.
template <class Gate, class Barrier>
struct gate_world {
    static constexpr unsigned parts = 2;
    Gate gate;
    payloads<parts> behind; // part i + 1 is behind.use(i)
    unsigned wishes = 0;    // that were left
    unsigned granted = 0;

    bool pass(unsigned part) {
        if (!gate.enter(part)) return false;
        behind.use(part - 1);
        gate.leave();
        return true;
    }
    // As a slow path does it: a look behind the gate, and at the wish.
    bool pass_slowly() {
        if (!gate.enter_slow()) return false;
        behind.use(0, parts);
        if (gate.take_wish()) ++granted;
        gate.leave();
        return true;
    }
    // True when all parts were there to be had.
    bool close() {
        const auto hold = gate.close(Barrier());
        return use_and_open(hold) && hold.in_use() == hold.no_part;
    }
    // False where there is no hold.
    template <class Hold>
    bool use_and_open(const Hold& hold) {
        if (!hold) return false;
        for (unsigned part = 1; part <= parts; ++part)
            if (part != hold.in_use()) behind.use(part - 1);
        gate.open();
        return true;
    }
    // Nobody is there any more.
    void finish() {
        require(!gate.held(), "the gate stays closed");
        require(gate.enter_slow(), "the owner stays inside");
        if (gate.take_wish()) ++granted;
        gate.leave();
        require(gate.enter(1), "the gate is not wide open");
    }
};

// The owner comes by the fast way, then by both; two others try to close.
template <class Gate, class Barrier>
struct gate_fast : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) {
            this->pass(1);
            this->pass(2);
            this->pass_slowly();
        } else {
            this->close();
            this->close();
        }
    }
};

// Two gates are closed with one barrier; each has its owner.
template <class Gate, class Barrier>
struct gate_pair {
    static constexpr unsigned threads = 3;
    gate_world<Gate, Barrier> caches[2];

    void thread(unsigned i) {
        if (i == 2) return close_both();
        caches[i].pass(1);
        caches[i].pass(2);
    }
    void finish() {
        for (auto& c : caches) c.finish();
    }

private:
    void close_both() {
        require(caches[0].gate.shut() && caches[1].gate.shut(), "nobody else is at it");
        const bool passed = Barrier()();
        for (auto& c : caches) c.use_and_open(c.gate.look_inside(passed, true));
    }
};

// A signal handler interrupts the owner in one part and tries another one: it is not let in, and whoever closes the
// gate at that moment does not take the first part for free.
template <class Gate, class Barrier>
struct gate_handler : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 2;
    void thread(unsigned i) {
        if (i == 1) {
            this->close();
        } else if (this->gate.enter(1)) {
            require(!this->pass(2) && !this->pass_slowly(), "a handler is let in");
            this->behind.use(0);
            this->gate.leave();
        }
    }
};

// The slow way alone needs no barrier of the others'.
template <class Gate, class Barrier>
struct gate_slow : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) {
            this->pass_slowly();
            this->pass_slowly();
        } else {
            this->close();
        }
    }
};

// Who does not get all leaves a wish, which the owner finds, once; the fast way stays shut until then.
template <class Gate, class Barrier>
struct gate_wish : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 2;
    bool closed = false;
    void thread(unsigned i) {
        if (i == 1) {
            closed = this->close();
        } else {
            this->pass(1);
            this->pass_slowly();
        }
    }
    void finish() {
        const bool asked = !closed;
        if (asked && this->granted == 0) require(!this->gate.enter(1), "a wish does not shut the fast way");
        gate_world<Gate, Barrier>::finish();
        require(this->granted == (asked ? 1U : 0U), "a wish is lost, or granted twice, or comes from nowhere");
    }
};

// An owner alone is always let in; slow_only shuts the fast way and no other, and lasts whatever else happens.
template <class Gate, class Barrier>
struct gate_slow_only : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        if (i == 0) {
            this->pass_slowly();
        } else if (i == 1) {
            this->close();
        } else {
            this->gate.set_slow_only(true);
        }
    }
    void finish() {
        require(!this->gate.enter(1), "slow_only is lost");
        this->gate.set_slow_only(false);
        gate_world<Gate, Barrier>::finish();
    }
};

template <class Gate, class Barrier>
struct gate_slow_only_ends : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 3;
    gate_slow_only_ends() { this->gate.set_slow_only(true); }
    void thread(unsigned i) {
        if (i == 0) {
            this->pass_slowly();
        } else if (i == 1) {
            this->close();
        } else {
            this->gate.set_slow_only(false);
        }
    }
};

template <class Gate, class Barrier>
struct gate_alone : gate_world<Gate, Barrier> {
    static constexpr unsigned threads = 1;
    void thread(unsigned) {
        require(this->gate.enter(1) && !this->gate.enter(1) && !this->gate.enter(2) && !this->gate.enter_slow(),
                "the owner is inside once");
        require(!this->gate.entered_slow(), "the owner is not everywhere");
        const auto hold = this->gate.close(Barrier());
        require(hold && hold.in_use() == 1, "the part that the owner is in is not the other's, the rest is");
        this->gate.leave();
        require(!this->gate.enter(1) && !this->gate.enter_slow(), "who was found inside is let in again");
        this->gate.open();
        require(!this->pass(1) && this->pass_slowly() && this->granted == 1,
                "a wish shuts the fast way until it is taken");
        require(this->gate.enter_slow() && this->gate.entered_slow() && !this->gate.close(Barrier()),
                "the gate is closed with the owner everywhere");
        this->gate.leave();
        require(this->pass_slowly() && this->granted == 2, "a wish is lost");
        require(this->close() && this->pass(1) && this->pass_slowly(), "nobody is in the way");
        require(this->granted == 2, "a wish comes from nowhere");
        require(this->gate.close(Barrier()) && this->gate.held(), "nobody is in the way");
        require(!this->gate.close(Barrier()) && !this->pass(1) && !this->pass_slowly(), "a closed gate lets pass");
        this->gate.open();
        require(!this->gate.held(), "an open gate is held");
    }
};

// Found by the worlds of thread_caches_test that are called caches_switched_*.
inline const std::vector<equivalent> seen_elsewhere{
    {"state_.fetch_or(slow_only_", "acquire", "not seen here: two threads that set it are in thread_caches_test"},
    {"state_.fetch_or(slow_only_", "release", "not seen here: as above"},
    {"state_.fetch_and(static_cast<std::uint8_t>(~slow_only_)", "acquire", "not seen here: as above"},
    {"state_.fetch_and(static_cast<std::uint8_t>(~slow_only_)", "release", "not seen here: as above"},
};

} // namespace synk_explorer
