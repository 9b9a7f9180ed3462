// What lies in a cache and how much may: thread_caches from behind the gate.

#include <algorithm>
#include <cstring>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "chunks/chunk.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

unsigned blocks_within(unsigned cls, std::size_t bytes, unsigned least, unsigned most) noexcept {
    const std::size_t fit = bytes / class_bytes(cls);
    return fit < least ? least : fit > most ? most : static_cast<unsigned>(fit);
}

// Blocks that a bin may come to hold now. While half of what may lie idle does not, and where the thread has most of
// what does, a thread that holds many at once keeps them all. Otherwise 4 MiB worth, but 8 to 64, and of large ones two
// to four: several threads that want more would empty each other's.
unsigned limit_now(const cache_record& c, unsigned cls) noexcept {
    const std::size_t reserved = budget.reserved();
    const std::size_t apart = counters.chunk_warm.get() + counters.large_shelved.get(); // at nobody's hand
    const std::size_t idle = reserved > apart ? reserved - apart : 0;
    const bool has_most = c.reserved.load(memory_order_relaxed) > idle / 2; // relaxed: a recent value
    if (has_most || idle <= budget.limit() / 2) return slots_of(cls);
    return std::min(slots_of(cls), blocks_within(cls, chunk_size, cls < chunk_class_count ? 8 : 4, 64));
}

// relaxed, here and below: one writer at a time, behind the gate; others read a recent value.
unsigned parked_in(const cache_record& c, unsigned cls) noexcept { return c.parked[cls].load(memory_order_relaxed); }
void set_parked(cache_record& c, unsigned cls, unsigned n) noexcept {
    c.parked[cls].store(static_cast<std::uint16_t>(n), memory_order_relaxed);
}

// Changes a bin's limit, and what the cache says that it has reserved; the reservation itself is made or given back by
// the caller.
void change_limit(cache_record& c, unsigned cls, unsigned limit) noexcept {
    // relaxed: one writer at a time, behind the gate; others read a recent value.
    const std::size_t others = c.reserved.load(memory_order_relaxed) - c.limit(cls) * class_bytes(cls);
    c.set_reserved(others + limit * class_bytes(cls));
    c.set_limit(cls, limit);
}

void give_room_back(cache_record& c, unsigned cls) noexcept {
    const unsigned spare = c.limit(cls) - c.count(cls);
    if (spare == 0) return;
    change_limit(c, cls, c.count(cls));
    budget.give(spare * class_bytes(cls));
}

// Room in a bin that nobody has used for a visit's time goes back to the budget.
void give_spare_back(cache_record& c, unsigned cls) noexcept {
    const auto hits = static_cast<std::uint32_t>(c.bin(cls).hits());
    const bool used = hits != c.seen_hits[cls];
    c.seen_hits[cls] = hits;
    if (!used) give_room_back(c, cls);
}

// Some of the blocks that are parked, with their reservations.
void expel_some_parked(cache_record& c, unsigned cls) noexcept {
    std::byte* items[most_spilled];
    const unsigned parked = parked_in(c, cls), n = std::min(parked, most_spilled);
    std::memcpy(items, c.row(cls) + slots_of(cls) - parked, n * sizeof(*items));
    set_parked(c, cls, parked - n);
    c.set_reserved(c.reserved.load(memory_order_relaxed) - n * class_bytes(cls));
    shared_store::put_idle(cls, items, n);
}

void park_all(cache_record& c, unsigned cls) noexcept {
    const unsigned n = c.count(cls);
    std::byte** const slots = c.row(cls);
    std::memmove(slots + slots_of(cls) - n, slots, n * sizeof(*slots));
    c.bin(cls).add(-(n * cache_bin::one_block)); // in 64 bits: the hits are above
    c.set_limit(cls, c.limit(cls) - n);          // the reservations stay with the blocks
    set_parked(c, cls, n);
}

void age_bin(cache_record& c, unsigned cls) noexcept {
    while (parked_in(c, cls) != 0) expel_some_parked(c, cls); // they stayed so since the last visit
    give_spare_back(c, cls);
    park_all(c, cls);
}

// Small blocks by several at once, so that the budget is asked less often.
unsigned limit_step(unsigned cls, unsigned left) noexcept {
    constexpr std::size_t step_bytes = 256 * 1024;
    const std::size_t fit = step_bytes / class_bytes(cls);
    const unsigned step = fit < 1 ? 1 : static_cast<unsigned>(fit);
    return step < left ? step : left;
}

bool raise_limit_by(cache_record& c, unsigned cls, unsigned blocks) noexcept {
    const std::size_t bytes = blocks * class_bytes(cls);
    if (c.reserved.load(memory_order_relaxed) + bytes > budget.most_for_one() || !budget.take(bytes)) return false;
    change_limit(c, cls, c.limit(cls) + blocks);
    return true;
}

std::size_t reserved_for(const cache_record& c, unsigned cls) noexcept {
    return (c.limit(cls) + parked_in(c, cls)) * class_bytes(cls);
}

// What a thread has used before would leave no room for what it uses now until the keeper comes by. So the bin that has
// most, if it is much more than this one has, parks it, and at the next time gives up some of what is still parked.
// Also where others' caches leave no room: in chunks it serves all sizes (docs/explorations.md, 17).
bool press_fattest(cache_record& c, unsigned cls) noexcept {
    unsigned fattest = 0;
    for (unsigned other = 1; other < cached_class_count; ++other)
        if (reserved_for(c, other) > reserved_for(c, fattest)) fattest = other;
    if (reserved_for(c, fattest) / 2 <= reserved_for(c, cls)) return false;
    give_room_back(c, fattest);
    if (parked_in(c, fattest) != 0)
        expel_some_parked(c, fattest);
    else
        park_all(c, fattest);
    return true;
}

constexpr std::size_t worth_passing_on = std::size_t{256} << 10;

bool has_little_room(const cache_record& c, unsigned cls) noexcept {
    return c.limit(cls) * class_bytes(cls) < worth_passing_on / 2;
}

// Lets the bin hold more, if it may and the budget allows it. Beyond a little, only by as many blocks as its thread has
// brought in since a visit, or since that let it hold more: who holds many at once had to. Who puts more than he gets,
// as what others got, would keep from them all that may lie idle.
bool raise_limit(cache_record& c, unsigned cls) noexcept {
    const unsigned earned = has_little_room(c, cls) ? slots_of(cls) : c.brought_in[cls];
    if (earned == 0) return false;
    const unsigned limit = c.limit(cls), held = limit + parked_in(c, cls), most = limit_now(c, cls);
    if (held >= most) return false;
    const unsigned step = limit_step(cls, std::min(most - held, earned));
    const bool raised = raise_limit_by(c, cls, step) || raise_limit_by(c, cls, 1) ||
                        (press_fattest(c, cls) && raise_limit_by(c, cls, 1));
    c.brought_in[cls] -= std::min(c.brought_in[cls], c.limit(cls) - limit);
    return raised;
}

std::uint32_t gets_from(const cache_record& c, unsigned cls) noexcept {
    return static_cast<std::uint32_t>(c.bin(cls).hits()) + c.misses[cls];
}

// Whether there was a get since the bin last ran over.
bool is_got_from(const cache_record& c, unsigned cls) noexcept {
    return has_little_room(c, cls) || gets_from(c, cls) != c.gets_at_spill[cls];
}

// A bin that runs over again and again without a get belongs to a thread that puts what others get: it collects what is
// worth passing on in one go. One that has come to hold very many belongs to a thread that has had as many at once, and
// may have had more: only when that was twice as many, or longer ago, is it like the others.
bool only_puts(const cache_record& c, unsigned cls) noexcept {
    constexpr unsigned patience = 32; // of a 32nd each
    return c.spills[cls] > (c.limit(cls) > most_spilled ? patience : 0);
}

// A bin that is empty after as many gets as it was filled with belongs to a thread that gets what others put.
bool is_only_got_from(const cache_record& c, unsigned cls) noexcept {
    const auto gets = static_cast<std::uint32_t>(c.bin(cls).hits()) - c.hits_at_stow[cls];
    return c.count(cls) == 0 && gets == c.stowed[cls];
}

} // namespace

unsigned thread_caches::take_oldest(cache_record& c, unsigned cls, std::byte** out, unsigned n) noexcept {
    while (c.count(cls) < n && unpark(c, cls)) {
    }
    if (n > c.count(cls)) n = c.count(cls);
    if (n == 0) return 0; // always so in a class that is never cached, which has no slots
    std::byte** const slots = c.row(cls);
    std::memcpy(out, slots, n * sizeof(*slots));
    std::memmove(slots, slots + n, (c.count(cls) - n) * sizeof(*slots));
    c.bin(cls).add(-(n * cache_bin::one_block)); // in 64 bits: the hits are above
    return n;
}

unsigned thread_caches::take_reserved(cache_record& c, unsigned cls, std::byte** out, unsigned n) noexcept {
    n = take_oldest(c, cls, out, n);
    change_limit(c, cls, c.limit(cls) - n);
    return n;
}

unsigned thread_caches::take_beside(cache_record& c, unsigned cls, const std::byte* place, std::byte** out,
                                    unsigned n) noexcept {
    std::byte** const slots = c.row(cls);
    unsigned taken = 0, kept = 0;
    for (unsigned i = 0; i < c.count(cls); ++i) {
        const bool leaves = taken < n && share_chunk(slots[i], place);
        (leaves ? out[taken++] : slots[kept++]) = slots[i];
    }
    c.bin(cls).add(-(taken * cache_bin::one_block)); // as above
    change_limit(c, cls, c.limit(cls) - taken);
    return taken;
}

namespace {

// The bin gives up its room for all that leaves it but one block: there is place for the one that is about to come.
void give_up_room_for(cache_record& c, unsigned cls, thread_caches::spill& out) noexcept {
    out.reserved = out.count - 1;
    change_limit(c, cls, c.limit(cls) - out.reserved);
}

} // namespace

// What a thread puts and never gets goes to the others all at once: half as often as by halves, and what it kept would
// be of no use to it. Of blocks so long that the bin held one, the next one goes too. Room for long ones does not wait
// for the next: it is idle memory that nobody has.
bool thread_caches::pass_on(cache_record& c, unsigned cls, std::byte* data, spill& out) noexcept {
    if (c.limit(cls) > most_spilled) { // it has held that many for gets of its own: room and all, a part at a time
        out.count = take_oldest(c, cls, out.items, most_spilled);
        give_up_room_for(c, cls, out);
        return c.push(cls, data);
    }
    const unsigned held = take_oldest(c, cls, out.items, c.limit(cls)); // it is full: all that it may hold
    constexpr unsigned most_room = 64;
    const bool goes_too = held == 1;
    if (goes_too) out.items[held] = data;
    out.count = goes_too ? held + 1 : held;
    const unsigned least_room = goes_too ? 0 : 1;
    const unsigned room = class_bytes(cls) <= worth_passing_on ? std::min(held, most_room) : least_room;
    const bool all_reserved = budget.take((out.count + room - held) * class_bytes(cls));
    out.reserved = all_reserved ? out.count : out.count - 1;
    change_limit(c, cls, all_reserved ? room : least_room);
    return goes_too || c.push(cls, data);
}

// Not too many: what finds no place in a channel takes its put a tenth of a microsecond each. But of a bin that holds
// very many not too few: the others move up.
void thread_caches::spill_oldest(cache_record& c, unsigned cls, spill& out) noexcept {
    const unsigned limit = c.limit(cls), most = std::max(32U, limit / 32);
    out.count = take_oldest(c, cls, out.items, std::min((limit + 1) / 2, most));
    if (out.count == 0) return;
    if (budget.take(out.count * class_bytes(cls)))
        out.reserved = out.count;
    else
        give_up_room_for(c, cls, out);
}

bool thread_caches::lacks(cache_record& c, unsigned cls) noexcept {
    constexpr unsigned ask_every = 8; // misses: there may be nothing to cut it off from
    if (c.cut_off[cls] || c.misses[cls] % ask_every != 1 || !c.gate.enter_slow()) return false;
    const bool has_place = c.limit(cls) != 0;
    c.gate.leave();
    return !has_place;
}

bool thread_caches::keep(cache_record& c, unsigned cls, std::byte* data, spill& out) noexcept {
    if (c.push(cls, data)) return true;
    if (cls >= cached_class_count) return false;
    c.cut_off[cls] = false;
    c.not_put -= std::min(c.not_put, class_bytes(cls));
    const bool got_from = is_got_from(c, cls);
    if (got_from && raise_limit(c, cls)) return c.push(cls, data);
    c.gets_at_spill[cls] = gets_from(c, cls);
    c.spills[cls] = got_from ? 0 : c.spills[cls] + 1;
    if (only_puts(c, cls)) return pass_on(c, cls, data, out);
    spill_oldest(c, cls, out);
    return c.push(cls, data);
}

unsigned thread_caches::stow(cache_record& c, unsigned cls, std::byte* const* items, unsigned n) noexcept {
    auto& bin = c.bin(cls);
    if (is_only_got_from(c, cls)) {
        c.brought_in[cls] += c.limit(cls); // or the bin may never come to hold as much again
        give_room_back(c, cls);
    }
    const unsigned count = c.count(cls);
    const unsigned place = slots_of(cls) - parked_in(c, cls) - count;
    if (n > place) n = place;
    const unsigned missing = count + n > c.limit(cls) ? count + n - c.limit(cls) : 0;
    change_limit(c, cls, c.limit(cls) + missing); // with the reservations that the blocks bring
    // The bin had reserved for the others already.
    if (n != missing) budget.give((n - missing) * class_bytes(cls));
    std::memcpy(c.row(cls) + count, items, n * sizeof(*items));
    bin.add(n * cache_bin::one_block);
    c.hits_at_stow[cls] = static_cast<std::uint32_t>(bin.hits());
    c.stowed[cls] = static_cast<std::uint16_t>(n);
    return n;
}

namespace {

void empty_bin(cache_record& c, unsigned cls) noexcept {
    std::byte* items[most_spilled];
    c.brought_in[cls] = 0;
    while (const unsigned n = thread_caches::take_oldest(c, cls, items, most_spilled)) { // the parked ones too
        change_limit(c, cls, c.limit(cls) - n);
        shared_store::put_reserved(cls, items, n);
    }
    give_room_back(c, cls);
}

constexpr unsigned first_long = class_of(size_map::least_common);

} // namespace

void thread_caches::empty_all_but(cache_record& c, unsigned in_use) noexcept {
    for (unsigned cls = 0; cls < cached_class_count; ++cls)
        if (bin_of(cls) != in_use) empty_bin(c, cls);
}

void thread_caches::empty_of_long(cache_record& c) noexcept {
    for (unsigned cls = first_long; cls < chunk_class_count; ++cls) empty_bin(c, cls);
}

void thread_caches::forget_what_came(cache_record& c) noexcept {
    c.not_put = 0;
    for (unsigned cls = first_long; cls < chunk_class_count; ++cls) c.brought_in[cls] = 0;
}

std::uint64_t thread_caches::long_hits(const cache_record& c) noexcept {
    std::uint64_t sum = 0;
    for (unsigned cls = first_long; cls < chunk_class_count; ++cls) sum += c.bin(cls).hits();
    return sum;
}

bool thread_caches::unpark(cache_record& c, unsigned cls) noexcept {
    if (cls >= cached_class_count || parked_in(c, cls) == 0) return false;
    auto& bin = c.bin(cls);
    const unsigned parked = parked_in(c, cls);
    const unsigned n = (parked + 1) / 2;
    std::byte** const slots = c.row(cls);
    std::memmove(slots + c.count(cls), slots + slots_of(cls) - parked, n * sizeof(*slots));
    bin.add(n * cache_bin::one_block);
    c.set_limit(cls, c.limit(cls) + n); // their reservations stay where they are
    set_parked(c, cls, parked - n);
    return true;
}

std::optional<thread_caches::own_use> thread_caches::in_own_use() noexcept {
    own_use use{};
    const auto add_up = [&use](const cache_record& c) {
        // Of shorter ones a put makes room for many at once.
        for (unsigned cls = first_long; cls < cached_class_count; ++cls)
            use.room += (c.limit(cls) - c.count(cls)) * class_bytes(cls);
        use.not_put = c.not_put;
    };
    return behind_own_gate(add_up) ? std::optional(use) : std::nullopt;
}

// Whether a bin is only got from is told by what went out of it.
void thread_caches::count_hit_for(cache_record& c, unsigned asked, unsigned found) noexcept {
    c.bin(found).add(-cache_bin::one_hit);
    --c.hits_at_stow[found];
    c.bin(asked).add(cache_bin::one_hit);
    ++c.hits_at_stow[asked];
}

void thread_caches::age_all_but(cache_record& c, unsigned in_use) noexcept {
    c.not_put /= 2;
    for (unsigned cls = 0; cls < cached_class_count; ++cls) {
        if (bin_of(cls) == in_use) continue;
        c.brought_in[cls] = 0;
        if (c.limit(cls) + parked_in(c, cls) != 0) age_bin(c, cls);
    }
}

void thread_caches::abandon_bin(cache_record& c, unsigned number) noexcept {
    const unsigned cls = class_in(number);
    if (number == gate_hold::no_part || cls >= cached_class_count) return;
    c.bin(cls).add(-(c.count(cls) * cache_bin::one_block)); // in 64 bits: the hits are above
    give_room_back(c, cls);
}

} // namespace synk::inline v1::detail
