// A growing table of records with ids: a record's memory is never given back, so a stale pointer to one still
// points to one (type-stable), and an id that was given back is handed out again, lowest first.
#pragma once

#include <cstddef>
#include <new>

#include <synk/detail/atomic.hpp>

#include "chunks/id_set.hpp"
#include "pages/record_store.hpp"

namespace synk::inline v1::detail {

// Record: an aggregate with a member `id`, whose initial state is made by its constructor once.
template <class Record, unsigned Capacity>
class slot_table {
public:
    // A record that is the caller's until give_back(); null when there is no memory or Capacity are in use.
    [[nodiscard]] Record* take() noexcept {
        const unsigned id = take_id();
        if (id == free_.none) return nullptr;
        if (at(id) != nullptr || make_segment(id / segment_size)) return at(id);
        free_.insert(id);
        return nullptr;
    }

    void give_back(Record& r) noexcept { free_.insert(r.id); } // publishes the record to take()'s erase

    [[nodiscard]] Record* at(unsigned id) noexcept {
        Record* const s = segment_[id / segment_size].load(memory_order_acquire); // pairs with make_segment
        return s == nullptr ? nullptr : s + id % segment_size;
    }

    // Ids below this have been handed out at some time.
    [[nodiscard]] unsigned limit() const noexcept {
        const unsigned n = next_.load(memory_order_relaxed); // relaxed: records found by it are reached by at()
        return n < Capacity ? n : Capacity;
    }

private:
    static constexpr unsigned segment_size = 64;

    [[nodiscard]] unsigned take_id() noexcept {
        for (unsigned id = free_.lowest(); id != free_.none; id = free_.lowest())
            if (free_.erase(id)) return id; // who erases it owns it; acquires give_back's insert
        // relaxed: the addition alone decides whose the id is.
        const unsigned id = next_.fetch_add(1, memory_order_relaxed);
        if (id < Capacity) return id;
        next_.fetch_sub(1, memory_order_relaxed);
        return free_.none;
    }

    [[nodiscard]] bool make_segment(unsigned index) noexcept {
        void* const memory = take_record_memory(sizeof(Record) * segment_size);
        if (memory == nullptr) return false;
        auto* const fresh = static_cast<Record*>(memory);
        for (unsigned i = 0; i < segment_size; ++i) new (fresh + i) Record(index * segment_size + i);
        Record* expected = nullptr;
        // release: publishes the constructed records to at(), by which who loses finds the winner's too, and leaves its
        // memory in the record store.
        segment_[index].compare_exchange_strong(expected, fresh, memory_order_release, memory_order_relaxed);
        return true;
    }

    id_set<Capacity> free_;
    atomic<unsigned> next_{0};
    atomic<Record*> segment_[(Capacity + segment_size - 1) / segment_size]{};
};

} // namespace synk::inline v1::detail
