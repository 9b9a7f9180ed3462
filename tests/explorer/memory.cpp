#include "explorer/memory.hpp"

namespace synk_explorer {

void memory::begin(unsigned threads) noexcept {
    ++schedule_;
    thread_count_ = threads;
    object_count_ = store_count_ = plain_count_ = 0;
    rows_ = 1;
    full_ = false;
    each_view([](view& v) { v.clear(0, 1); });
    for (unsigned t = 0; t < threads; ++t) {
        threads_[t].any_released = false;
        threads_[t].now.tick(t);
    }
}

template <class Visit>
void memory::each_view(Visit visit) noexcept {
    for (unsigned t = 0; t < thread_count_; ++t) {
        visit(threads_[t].now);
        visit(threads_[t].acquired);
        visit(threads_[t].released);
    }
    visit(light_);
    visit(heavy_);
}

unsigned memory::enter(cell& c, std::uint64_t initial) noexcept {
    full_ = full_ || object_count_ + 1 >= max_objects || store_count_ + 1 >= max_stores;
    const unsigned number = full_ ? 0 : object_count_++;
    const unsigned rows = 2 + number / view::lanes;
    if (rows > rows_) {
        each_view([&](view& v) { v.clear(rows_, rows); });
        rows_ = rows;
    }
    history& o = objects_[number];
    o.stores = 1;
    o.seq_cst = 0;
    o.order[0] = static_cast<std::uint16_t>(store_count_);
    store& s = stores_[full_ ? store_count_ : store_count_++];
    s.value = initial;
    s.modifies = false;
    s.rows = 0; // the threads were told of it when they began
    c = {schedule_, number};
    return number;
}

unsigned memory::oldest(unsigned thread, unsigned object, std::memory_order order) const noexcept {
    const int known = threads_[thread].now.position(object);
    const int reached = order == std::memory_order_seq_cst ? objects_[object].seq_cst : 0;
    return static_cast<unsigned>(known > reached ? known : reached);
}

void memory::read(unsigned thread, unsigned object, unsigned position, std::memory_order order) noexcept {
    knowledge& me = threads_[thread];
    me.now.raise_position(object, position);
    if (order == std::memory_order_seq_cst && objects_[object].seq_cst < static_cast<int>(position))
        objects_[object].seq_cst = static_cast<std::int16_t>(position);
    const store& s = stores_[objects_[object].order[position]];
    if (s.rows == 0) return;
    (acquires(order) ? me.now : me.acquired).join(s.message, s.rows);
}

void memory::write(unsigned thread, unsigned object, unsigned position, std::uint64_t value, std::memory_order order,
                   bool modifies) noexcept {
    if (store_count_ + 1 >= max_stores || objects_[object].stores == max_order) {
        full_ = true;
        return;
    }
    const store* const head = modifies ? &stores_[objects_[object].order[position]] : nullptr;
    const unsigned at = position + 1;
    make_room(object, at);
    objects_[object].order[at] = static_cast<std::uint16_t>(store_count_);
    store& s = stores_[store_count_++];
    s.value = value;
    s.modifies = modifies;
    threads_[thread].now.set_position(object, at);
    if (order == std::memory_order_seq_cst && objects_[object].seq_cst < static_cast<int>(at))
        objects_[object].seq_cst = static_cast<std::int16_t>(at);
    carry(thread, s, head, order);
}

// Shifts the stores from `position` on by one, and all that is known of them.
void memory::make_room(unsigned object, unsigned position) noexcept {
    auto& o = objects_[object];
    const unsigned last = o.stores++;
    if (position == last) return;
    for (unsigned i = last; i > position; --i) o.order[i] = o.order[i - 1];
    const auto shift = [&](view& v) {
        const auto known = static_cast<unsigned>(v.position(object));
        if (known >= position) v.set_position(object, known + 1);
    };
    each_view(shift);
    for (unsigned i = 0; i < store_count_; ++i)
        if (stores_[i].rows > 1 + object / view::lanes) shift(stores_[i].message);
    if (o.seq_cst >= static_cast<int>(position)) ++o.seq_cst;
}

// What a reader of the store learns: the view of a releasing thread (now, or at its last release fence), and what the
// release sequence that a read-modify-write continues has carried so far.
void memory::carry(unsigned thread, store& s, const store* head, std::memory_order order) noexcept {
    knowledge& me = threads_[thread];
    s.rows = 0;
    const view* const own = releases(order) ? &me.now : me.any_released ? &me.released : nullptr;
    if (own != nullptr) {
        s.message.copy(*own, rows_);
        s.rows = rows_;
    }
    if (head != nullptr && own != nullptr) s.message.join(head->message, head->rows);
    if (head != nullptr && own == nullptr) {
        s.message.copy(head->message, head->rows);
        s.rows = head->rows;
    }
    if (own != nullptr) tick(thread);
}

void memory::fence(unsigned thread, std::memory_order order) noexcept {
    knowledge& me = threads_[thread];
    if (acquires(order)) me.now.join(me.acquired, rows_);
    if (order == std::memory_order_seq_cst) {
        for (unsigned o = 0; o < object_count_; ++o)
            me.now.raise_position(o, static_cast<unsigned>(objects_[o].seq_cst));
        for (unsigned o = 0; o < object_count_; ++o)
            if (objects_[o].seq_cst < me.now.position(o)) objects_[o].seq_cst = me.now.position(o);
    }
    if (!releases(order)) return;
    me.released.copy(me.now, rows_);
    me.any_released = true;
    tick(thread);
}

// P1202: pairs of a light and a heavy fence are ordered as seq_cst fences are, pairs of light ones are not.
void memory::light_fence(unsigned thread) noexcept {
    threads_[thread].now.join_positions(heavy_, rows_);
    light_.join_positions(threads_[thread].now, rows_);
}

void memory::heavy_fence(unsigned thread) noexcept {
    fence(thread, std::memory_order_seq_cst);
    threads_[thread].now.join_positions(light_, rows_);
    threads_[thread].now.join_positions(heavy_, rows_);
    heavy_.join_positions(threads_[thread].now, rows_);
}

memory::accesses& memory::accesses_of(plain_cell& c) noexcept {
    if (c.schedule == schedule_) return plains_[c.object];
    full_ = full_ || plain_count_ + 1 >= max_plains;
    c = {schedule_, full_ ? plain_count_ : plain_count_++};
    accesses& a = plains_[c.object];
    a.writer = -1;
    a.read_clock.fill(0);
    return a;
}

bool memory::plain_read(unsigned thread, plain_cell& c) noexcept {
    accesses& a = accesses_of(c);
    a.read_clock[thread] = threads_[thread].now.clock(thread);
    return knows_write(thread, a);
}

bool memory::plain_write(unsigned thread, plain_cell& c) noexcept {
    accesses& a = accesses_of(c);
    bool ordered = knows_write(thread, a);
    for (unsigned t = 0; t < thread_count_; ++t)
        ordered = ordered && (t == thread || threads_[thread].now.clock(t) >= a.read_clock[t]);
    a.writer = static_cast<int>(thread);
    a.write_clock = threads_[thread].now.clock(thread);
    return ordered;
}

} // namespace synk_explorer
