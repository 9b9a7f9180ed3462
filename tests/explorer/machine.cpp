#include "explorer/machine.hpp"

#include <bit>

namespace synk_explorer {

// Before what the library does when it is loaded.
[[gnu::init_priority(101)]] machine the_machine;

namespace {

constexpr unsigned bit(unsigned thread) noexcept { return 1U << thread; }

unsigned nth(unsigned bits, unsigned n) noexcept {
    for (; n != 0; --n) bits &= bits - 1;
    return static_cast<unsigned>(std::countr_zero(bits));
}

} // namespace

machine::machine() noexcept {
    for (unsigned t = 0; t < view::clocks; ++t) make_fibre(t);
}

void machine::make_fibre(unsigned thread) noexcept {
    auto& stack = stacks_[thread];
    fibre_[thread] = boost::context::detail::make_fcontext(stack.data() + stack.size(), stack.size(), fibre);
}

// Whoever arrives keeps the context of whoever jumped, in the place that the jump names.
void machine::jump(context& to, context& from) noexcept {
    const auto back = boost::context::detail::jump_fcontext(to, &from);
    *static_cast<context*>(back.data) = back.fctx;
}

void machine::fibre(boost::context::detail::transfer_t from) noexcept {
    *static_cast<context*>(from.data) = from.fctx;
    for (;;) {
        the_machine.program_->run(the_machine.current_);
        the_machine.ready_ &= ~bit(the_machine.current_);
        the_machine.leave();
    }
}

void machine::go_on_with(unsigned thread) noexcept {
    const unsigned self = current_;
    if (thread == self) return;
    current_ = thread;
    jump(fibre_[thread], fibre_[self]);
}

unsigned machine::one_of(unsigned threads, choice kind) noexcept {
    return nth(threads, decide.choose(static_cast<unsigned>(std::popcount(threads)), kind));
}

// This thread has ended, or waits.
void machine::leave() noexcept {
    if (ready_ != 0) return go_on_with(one_of(ready_, choice::who));
    jump(main_, fibre_[current_]);
}

void machine::abandon() noexcept {
    abandoned_ = true;
    jump(main_, fibre_[current_]); // for good: the fibre is made anew
}

machine::outcome machine::run(const program& p) noexcept {
    program_ = &p;
    reason_ = nullptr;
    abandoned_ = false;
    steps_ = waiting_ = 0;
    mem.begin(p.threads);
    in_schedule_ = true;
    p.begin();
    ready_ = bit(p.threads) - 1;
    current_ = one_of(ready_, choice::who);
    running_ = true;
    jump(fibre_[current_], main_);
    running_ = false;
    for (unsigned t = 0; t < p.threads; ++t)
        if (((ready_ | waiting_) & bit(t)) != 0) make_fibre(t);
    if (!abandoned_) p.end(waiting_);
    in_schedule_ = false;
    mem.forget();
    return reason_ != nullptr ? outcome::failed : abandoned_ ? outcome::cut : outcome::fine;
}

void machine::fail(const char* reason) noexcept {
    if (reason_ == nullptr) reason_ = reason;
    if (running()) abandon();
}

void machine::count_step() noexcept {
    if (++steps_ > max_steps) fail("the threads go on for ever");
    if (!mem.has_room() || !decide.has_room()) abandon();
}

// In turn, or a search would let two that wait for a third go on for ever.
void machine::yield() noexcept {
    count_step();
    const unsigned others = ready_ & ~bit(current_);
    if (others == 0) return;
    const unsigned behind = others & ~(bit(current_) - 1);
    const auto count = static_cast<unsigned>(std::popcount(others));
    const auto next = count - static_cast<unsigned>(std::popcount(behind)); // the first behind this one
    go_on_with(nth(others, (next + decide.choose(count, choice::preemption)) % count));
}

// The beginning of every operation: others may come first.
site& machine::arrive(place where, operation kind, order o) noexcept {
    site& s = sites.find(where);
    s.kind = kind;
    s.order = o;
    ++s.visits;
    count_step();
    const unsigned others = ready_ & ~bit(current_);
    const unsigned chosen = decide.choose(1 + static_cast<unsigned>(std::popcount(others)), choice::preemption);
    if (chosen != 0) go_on_with(nth(others, chosen - 1));
    return s;
}

namespace {

std::memory_order mutated(const site& s, std::memory_order o) noexcept {
    return s.mutated.what == change::order ? s.mutated.order : o;
}

} // namespace

// The newest, or an older one; to_modify: only such as nobody has modified yet.
unsigned machine::choose_position(unsigned object, unsigned oldest, bool to_modify) noexcept {
    const unsigned newest = mem.newest(object);
    if (newest == oldest) return newest;
    unsigned options[max_options];
    unsigned count = 0;
    for (unsigned p = newest + 1; p-- > oldest && count < max_options;)
        if (!to_modify || mem.may_follow(object, p)) options[count++] = p;
    return options[decide.choose(count, choice::surprise)];
}

std::uint64_t machine::load(cell& c, std::uint64_t initial, order o, place where) noexcept {
    const site& s = arrive(where, operation::load, o);
    o = mutated(s, o);
    const unsigned object = mem.object_of(c, initial);
    const unsigned position = choose_position(object, mem.oldest(current_, object, o), false);
    mem.read(current_, object, position, o);
    const std::uint64_t value = mem.value(object, position);
    note(&s, "reads", o, object, value);
    if (tracing_) events_.back().behind = mem.newest(object) - position;
    return value;
}

// A store at its place in the modification order, or none where a mutant drops it.
void machine::put(const site& s, unsigned object, unsigned position, std::uint64_t value, order o,
                  bool modifies) noexcept {
    if (s.mutated.what == change::dropped) return;
    note(&s, "writes", o, object, value);
    if (tracing_) events_.back().behind = mem.newest(object) - position;
    mem.write(current_, object, position, value, o, modifies);
}

void machine::store(cell& c, std::uint64_t initial, std::uint64_t value, order o, place where) noexcept {
    const site& s = arrive(where, operation::store, o);
    o = mutated(s, o);
    const unsigned object = mem.object_of(c, initial);
    put(s, object, choose_position(object, mem.oldest(current_, object, o), true), value, o, false);
}

machine::reading machine::modify_begin(cell& c, std::uint64_t initial, order o, place where) noexcept {
    site& s = arrive(where, operation::modify, o);
    o = mutated(s, o);
    const unsigned object = mem.object_of(c, initial);
    const unsigned position = choose_position(object, mem.oldest(current_, object, o), true);
    mem.read(current_, object, position, o);
    const std::uint64_t value = mem.value(object, position);
    note(&s, "reads", o, object, value);
    return {&s, o, object, position, value};
}

void machine::modify_end(const reading& r, std::uint64_t value) noexcept {
    if (r.at->mutated.what != change::split) return put(*r.at, r.object, r.position, value, r.o, true);
    arrive(r.at->where, operation::modify, r.at->order);
    put(*r.at, r.object, mem.newest(r.object), value, r.o, false);
}

bool machine::compare_exchange(cell& c, std::uint64_t initial, exchange& x, place where) noexcept {
    site& s = arrive(where, operation::compare_exchange, x.success);
    s.failure_order = x.failure;
    x.success = mutated(s, x.success);
    if (s.mutated.what == change::failure_order) x.failure = s.mutated.order;
    const unsigned object = mem.object_of(c, initial);
    // One that is to succeed reads what it may follow; one that fails may read like any load.
    unsigned options[max_options];
    unsigned count = 0;
    const unsigned oldest[] = {mem.oldest(current_, object, x.failure), mem.oldest(current_, object, x.success)};
    for (unsigned p = mem.newest(object) + 1; p-- != 0 && count < max_options;) {
        const bool same = mem.value(object, p) == x.expected || s.mutated.what == change::blind;
        if (p >= oldest[same] && (!same || mem.may_follow(object, p))) options[count++] = p;
    }
    return exchange_at(s, object, options[decide.choose(count, choice::surprise)], x);
}

bool machine::exchange_at(site& s, unsigned object, unsigned position, exchange& x) noexcept {
    const std::uint64_t found = mem.value(object, position);
    const bool same = found == x.expected || s.mutated.what == change::blind;
    const bool spurious = same && x.weak && s.mutated.what != change::blind && decide.choose(2, choice::surprise) == 1;
    const order o = same && !spurious ? x.success : x.failure;
    mem.read(current_, object, position, o);
    note(&s, spurious ? "fails for no reason," : same ? "finds" : "fails,", o, object, found);
    x.expected = found;
    if (!same || spurious) return false;
    if (s.mutated.what != change::split) {
        put(s, object, position, x.desired, o, true);
    } else {
        arrive(s.where, operation::compare_exchange, s.order);
        put(s, object, mem.newest(object), x.desired, o, false);
    }
    return true;
}

// As a futex does it: it sleeps only if the newest value is the old one.
void machine::wait(cell& c, std::uint64_t initial, std::uint64_t old, order o, place where) noexcept {
    for (;;) {
        const site& s = arrive(where, operation::wait, o);
        const unsigned object = mem.object_of(c, initial);
        const unsigned position = choose_position(object, mem.oldest(current_, object, mutated(s, o)), false);
        mem.read(current_, object, position, mutated(s, o));
        note(&s, "reads", mutated(s, o), object, mem.value(object, position));
        if (mem.value(object, position) != old) return;
        if (mem.value(object, mem.newest(object)) != old) continue;
        waits_for_[current_] = &c;
        ready_ &= ~bit(current_);
        waiting_ |= bit(current_);
        leave();
    }
}

void machine::notify(cell& c, std::uint64_t initial, bool all, place where) noexcept {
    const site& s = arrive(where, operation::notify, std::memory_order_relaxed);
    note(&s, "notifies", std::memory_order_relaxed, mem.object_of(c, initial), 0);
    if (s.mutated.what == change::dropped) return;
    unsigned woken = 0;
    for (unsigned t = 0; t < program_->threads; ++t)
        if ((waiting_ & bit(t)) != 0 && waits_for_[t] == &c) woken |= bit(t);
    if (woken == 0) return;
    if (!all) woken = bit(one_of(woken, choice::who));
    waiting_ &= ~woken;
    ready_ |= woken;
}

void machine::fence(order o, place where) noexcept {
    const site& s = arrive(where, operation::fence, o);
    if (s.mutated.what != change::dropped) mem.fence(current_, mutated(s, o));
    note(&s, "fence", o, 0, 0);
}

void machine::light_fence(place where) noexcept {
    const site& s = arrive(where, operation::light, std::memory_order_relaxed);
    if (s.mutated.what != change::dropped) mem.light_fence(current_);
    note(&s, "compiler barrier", std::memory_order_relaxed, 0, 0);
}

void machine::heavy_fence(place where) noexcept {
    const site& s = arrive(where, operation::heavy, std::memory_order_relaxed);
    if (s.mutated.what != change::dropped) mem.heavy_fence(current_);
    note(&s, "membarrier", std::memory_order_relaxed, 0, 0);
}

void machine::plain_read(plain_cell& c) noexcept {
    const bool ordered = mem.plain_read(current_, c);
    note(nullptr, "reads plain", std::memory_order_relaxed, c.object, 0);
    if (!ordered) fail("a race: plain data is read that another thread has written, and nothing orders the two");
}

void machine::plain_write(plain_cell& c) noexcept {
    const bool ordered = mem.plain_write(current_, c);
    note(nullptr, "writes plain", std::memory_order_relaxed, c.object, 0);
    if (!ordered) fail("a race: plain data is written that another thread has used, and nothing orders the two");
}

void machine::write_down(const site* at, const char* what, order o, unsigned object, std::uint64_t value) noexcept {
    events_.push_back({current_, at, what, o, object, value, 0});
}

std::string machine::trace(const program& p) {
    events_.clear();
    tracing_ = true;
    static_cast<void>(run(p));
    tracing_ = false;
    std::string text;
    constexpr std::size_t longest = 2000;
    if (events_.size() > longest) events_.resize(longest);
    for (const event& e : events_) {
        char line[256];
        const std::string where = e.at != nullptr ? file_and_line(e.at->where) : std::string();
        std::snprintf(line, sizeof(line), "  thread %u  %-24s %-16s %s #%u %#llx  %s%s\n", e.thread, where.c_str(),
                      e.at != nullptr ? name_of(e.at->kind) : "", e.what, e.object,
                      static_cast<unsigned long long>(e.value), e.at != nullptr ? name_of(e.o) : "",
                      e.behind != 0 ? ("  (" + std::to_string(e.behind) + " behind the newest)").c_str() : "");
        text += line;
    }
    return text;
}

} // namespace synk_explorer
