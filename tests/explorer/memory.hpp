// Atomic objects as C++20 describes them, and clocks that find races on plain data.
//
// Each object has all its stores in modification order; a load may read any of them that is not older than what its
// thread knows (view.hpp). What happens before, travels: a releasing store carries the view of its thread, an acquiring
// load joins it. A store may be entered before others that its thread does not know of: that is how a delayed store
// looks. seq_cst is a total order, the order in which the explorer runs things; for each object it remembers how far
// seq_cst operations have come. docs/explorer.md says what is approximated.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "explorer/view.hpp"

namespace synk_explorer {

// Lives in each atomic object: which of the memory's objects it is, in the schedule with this number.
struct cell {
    std::uint32_t schedule = 0;
    std::uint32_t object = 0;
};

// Lives in each plain object: the same for the memory's records of accesses.
struct plain_cell {
    std::uint32_t schedule = 0;
    std::uint32_t object = 0;
};

constexpr bool acquires(std::memory_order o) noexcept {
    return o == std::memory_order_acquire || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst;
}
constexpr bool releases(std::memory_order o) noexcept {
    return o == std::memory_order_release || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst;
}

class memory {
public:
    static constexpr unsigned max_objects = view::capacity - view::clocks;

    // A new schedule: every atomic object has its initial value again, and every thread knows it.
    void begin(unsigned threads) noexcept;
    // The end of it: no object is known, each has its initial value.
    void forget() noexcept { ++schedule_; }
    // False when the schedule needs more objects or stores than there is room for.
    [[nodiscard]] bool has_room() const noexcept { return !full_; }

    [[nodiscard]] bool knows(const cell& c) const noexcept { return c.schedule == schedule_; }
    [[nodiscard]] unsigned object_of(cell& c, std::uint64_t initial) noexcept {
        return knows(c) ? c.object : enter(c, initial);
    }

    // Positions in the modification order of an object. The thread may read [oldest(), newest()].
    [[nodiscard]] unsigned newest(unsigned object) const noexcept { return objects_[object].stores - 1; }
    [[nodiscard]] unsigned oldest(unsigned thread, unsigned object, std::memory_order order) const noexcept;
    [[nodiscard]] std::uint64_t value(unsigned object, unsigned position) const noexcept {
        return stores_[objects_[object].order[position]].value;
    }
    // Whether a store may come right behind this one: not between a read-modify-write and what it has read.
    [[nodiscard]] bool may_follow(unsigned object, unsigned position) const noexcept {
        return position == newest(object) || !stores_[objects_[object].order[position + 1]].modifies;
    }

    void read(unsigned thread, unsigned object, unsigned position, std::memory_order order) noexcept;
    // Enters a store behind `position`. modifies: it is a read-modify-write that has read the one at `position`.
    void write(unsigned thread, unsigned object, unsigned position, std::uint64_t value, std::memory_order order,
               bool modifies) noexcept;
    void fence(unsigned thread, std::memory_order order) noexcept;
    // The two sides of an asymmetric fence: a compiler barrier, and a membarrier.
    void light_fence(unsigned thread) noexcept;
    void heavy_fence(unsigned thread) noexcept;

    // While no thread runs: writes over the newest store.
    void overwrite(unsigned object, std::uint64_t value) noexcept {
        stores_[objects_[object].order[newest(object)]].value = value;
    }

    // False when the access races with another thread's.
    [[nodiscard]] bool plain_read(unsigned thread, plain_cell& c) noexcept;
    [[nodiscard]] bool plain_write(unsigned thread, plain_cell& c) noexcept;

private:
    static constexpr unsigned max_stores = 2048; // of all objects in a schedule
    static constexpr unsigned max_order = 120;   // of one object
    static constexpr unsigned max_plains = 4096;

    struct store {
        std::uint64_t value;
        bool modifies;
        unsigned rows; // of the message; 0: it carries nothing
        view message;
    };
    struct history {
        unsigned stores;
        std::int16_t seq_cst; // how far seq_cst operations have come, and what seq_cst fences have seen
        std::array<std::uint16_t, max_order> order;
    };
    struct knowledge {
        view now;
        view acquired; // becomes known with an acquire fence
        view released; // was known at the last release fence
        bool any_released;
    };
    struct accesses {
        int writer; // -1: nobody
        std::int16_t write_clock;
        std::array<std::int16_t, view::clocks> read_clock;
    };

    unsigned enter(cell& c, std::uint64_t initial) noexcept;
    accesses& accesses_of(plain_cell& c) noexcept;
    void make_room(unsigned object, unsigned position) noexcept;
    void carry(unsigned thread, store& s, const store* head, std::memory_order order) noexcept;
    [[nodiscard]] bool knows_write(unsigned thread, const accesses& a) const noexcept {
        return a.writer < 0 || threads_[thread].now.clock(static_cast<unsigned>(a.writer)) >= a.write_clock;
    }
    // What the thread does from now on is not part of what it has published.
    void tick(unsigned thread) noexcept { threads_[thread].now.tick(thread); }
    template <class Visit>
    void each_view(Visit visit) noexcept;

    std::uint32_t schedule_ = 1; // a cell of zeros is known in none
    unsigned thread_count_ = 0;
    unsigned object_count_ = 0, store_count_ = 0, plain_count_ = 0;
    unsigned rows_ = 1; // of views that are in use
    bool full_ = false;
    std::array<knowledge, view::clocks> threads_{};
    view light_{}, heavy_{}; // what such fences have seen
    std::array<history, max_objects> objects_{};
    std::array<store, max_stores> stores_{};
    std::array<accesses, max_plains> plains_{};
};

} // namespace synk_explorer
