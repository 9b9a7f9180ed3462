// Blocks that are lent as bare pointers: a mark in the block's record says so, set with the get and taken back with the
// put.
//
// The usual way is that of a block in a chunk, of the class that serves the caller's size now, put by the thread that
// lent it. What its record must be is then known before it is read, and so is the bin: nothing but a branch waits for
// what is read, and no locked instruction is needed (put_bias.hpp).

#include <synk/detail/thread_cache.hpp>

#include "base/errno_stays.hpp"
#include "cache/lenders.hpp"
#include "checks/fatal.hpp"
#include "checks/misuse.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk_index.hpp"
#include "hardened/guarded_blocks.hpp"
#include "large/large_store.hpp"
#include "pools/checked_block.hpp"

namespace synk::inline v1::detail {

namespace {

// The record of a place, and what it says without a mark.
struct place_record {
    atomic<std::uint32_t>* at;
    std::uint32_t idle;
    const large_block* large = nullptr; // where it is one's, and says nothing of the class

    // Who has taken the mark asks: the block may have been put before that, and a shorter one have come there.
    [[nodiscard, gnu::always_inline]] bool is_still(std::size_t capacity) const noexcept {
        return large == nullptr || large->capacity.load(memory_order_relaxed) == capacity;
    }
    // Only the block's owner does so; relaxed: the mark travels with the block. False, and nothing done, where it does
    // not say that the block is idle.
    [[nodiscard, gnu::always_inline]] bool lend(const cache_entrance& by) const noexcept {
        if (at->load(memory_order_relaxed) != idle) return false;
        at->store(idle + by.bias.mark(), memory_order_relaxed);
        return true;
    }
};
[[gnu::always_inline]] inline place_record record_at(page_record* at, const void* p, unsigned cls) noexcept {
    return {at, block_record(cls, static_cast<const std::byte*>(p)).value()};
}
[[gnu::always_inline]] inline place_record record_of(chunk& c, const void* p, unsigned cls) noexcept {
    return record_at(&c.record(c.page_of(p)), p, cls);
}
[[gnu::always_inline]] inline place_record record_of(large_block& l, const void* p) noexcept {
    return {&l.record, large_block::idle_record(p), &l};
}

// Returns data, so that the call is the last thing that its callers do, who then need no frame.
[[gnu::noinline]] std::byte* lend_as_found(std::byte* data) noexcept {
    const cache_entrance& by = *this_thread_start.cache;
    const place_owner owner = places.find(data);
    if (chunk* const c = owner.as_chunk()) {
        if (!record_of(*c, data, c->record_at(c->page_of(data)).cls()).lend(by)) fail_wrong_record("lending", *c, data);
    } else if (large_block* const l = owner.as_large()) {
        if (!l->sealed() || !record_of(*l, data).lend(by)) fail_corrupted("lending", data);
    } else if (guarded_block* const g = owner.as_guarded()) {
        g->state.store(guarded_state::bare, memory_order_relaxed);
    } else {
        fail_foreign_handle("lending", data);
    }
    return data;
}

[[gnu::always_inline]] inline std::byte* lend(std::byte* data, unsigned cls, const cache_entrance& by) noexcept {
    if (cls >= chunk_class_count) return lend_as_found(data); // its record is in no table
    page_record* const near = near_records->find(data);
    if (near == nullptr || !record_at(near, data, cls).lend(by)) [[unlikely]]
        return lend_as_found(data);
    return data;
}

// Those that follow take the mark back: of two threads that put the same pointer at the same time one finds it gone.
// From then on this thread owns the block, and with it the record. False where p starts no block that is lent as a bare
// pointer.

[[gnu::always_inline]] inline bool starts_page(const void* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p) % page_size == 0;
}

[[nodiscard]] bool take_mark(place_record r, void* p, const char* verb) noexcept {
    const std::uint32_t lent = r.at->load(memory_order_relaxed); // relaxed: a first guess
    const unsigned number = put_bias::lender_in(lent);
    if (lent != r.idle + put_bias::mark_of(number)) return false;
    if (number == put_bias::being_taken) fail_not_bare(verb, p);
    cache_entrance* const own = this_thread_start.cache;
    cache_record* const lender = lender_of(number);
    if (lender != own) own->bias.expect_others();
    if (number == put_bias::nobody) return put_bias::swap(*r.at, lent, r.idle);
    if (lender == nullptr) fail_corrupted(verb, p);
    const errno_stays kept; // where the barrier is refused
    // A handler that interrupted the put of the same pointer has come between its load and its store.
    const bool taken = lender == own
                           ? own->gate.page_inside() != p && put_bias::swap(*r.at, lent, r.idle)
                           : lender->bias.take_another(*r.at, lent, r.idle, lender->gate, p, thread_caches::barrier);
    if (!taken) fail_not_bare(verb, p);
    return true;
}

// Of this class, too. Of a place without block the record is 0; without chunk, as of null, there is none.
[[gnu::noinline]] bool take_from(chunk* c, void* p, unsigned cls, const char* verb) noexcept {
    if (c == nullptr || !starts_page(p)) return false;
    return take_mark(record_of(*c, p, cls), p, verb);
}

bool take_from(guarded_block& g) noexcept {
    guarded_state expected = guarded_state::bare;
    return g.state.compare_exchange_strong(expected, guarded_state::in_handle, memory_order_relaxed,
                                           memory_order_relaxed);
}

// Where nobody says the size: the class that the record says now is a guess, and who takes the mark finds when it has
// changed.
[[gnu::always_inline]] inline unsigned class_said_by(const page_record& record) noexcept {
    return block_record::from(record.load(memory_order_relaxed)).cls();
}
unsigned guessed_class(const chunk* c, const void* p) noexcept {
    return c != nullptr ? class_said_by(c->record(c->page_of(p))) : class_limit;
}

unsigned guessed_class(place_owner owner, const void* p) noexcept {
    const large_block* const l = owner.as_large();
    return l == nullptr ? guessed_class(owner.as_chunk(), p) : class_of(l->capacity.load(memory_order_relaxed));
}

[[gnu::always_inline]] inline held_block of_class(void* p, unsigned cls) noexcept {
    return {static_cast<std::byte*>(p), cls, class_pages(cls)};
}

[[gnu::noinline]] held_block take_elsewhere(const char* verb, void* p, place_owner owner) noexcept {
    const block b = bare_block(verb, p, owner);
    if (chunk* const c = owner.as_chunk()) {
        if (take_from(c, p, class_of(b.capacity), verb)) return b;
    } else if (large_block* const l = owner.as_large()) {
        const place_record record = record_of(*l, p);
        if (take_mark(record, p, verb) && record.is_still(b.capacity)) return b;
    } else if (guarded_block* const g = owner.as_guarded()) {
        if (take_from(*g)) return held_block::guarded(b.data, b.capacity);
    }
    static_cast<void>(bare_block(verb, p)); // says what is wrong now, unless it was another thread just now
    fail_not_bare(verb, p);
}

[[gnu::noinline]] void put_elsewhere(void* p, place_owner owner, std::size_t n) noexcept {
    if (p == nullptr) return;
    const held_block b = take_elsewhere("put", p, owner);
    if (n > b.capacity())
        fatal("put of %p with %zu bytes: the block has only %zu; pass the size that it was allocated with", p, n,
              b.capacity());
    put(b);
}

void put_taken(void* p, unsigned cls) noexcept {
    if (!put_cached(static_cast<std::byte*>(p), bin_of(cls))) put_slow(of_class(p, cls));
}

// Its mark is taken.
[[gnu::always_inline]] inline void put_not_kept(place_record record, void* p, unsigned cls) noexcept {
    if (!record.is_still(class_bytes(cls))) fail_not_bare("put", p);
    put_slow(of_class(p, cls));
}

// Puts what the calling thread has lent, of the class of this bin. False, and nothing done, where it is something else,
// where put_own_or_nobodys() is the way, or the cache is not to be had.
[[gnu::always_inline]] inline bool put_own(place_record record, void* p, unsigned bin) noexcept {
    cache_entrance* const entrance = this_thread_start.cache;
    if (!entrance->gate.enter(bin, p)) [[unlikely]]
        return false;
    auto* const cache = static_cast<cache_record*>(entrance);
    const put_bias::view seen = cache->bias.look();
    const bool taken = !seen.nobodys_come_first() && seen.take(*record.at, record.idle);
    const bool kept =
        taken && record.is_still(class_bytes(class_in(bin))) && cache->push_bin(bin, static_cast<std::byte*>(p));
    cache->gate.leave();
    if (kept) [[likely]]
        return true;
    if (taken) put_not_kept(record, p, class_in(bin));
    return taken;
}

// The same for a thread that puts what others lent, most of which is nobody's. By itself, so that the usual put has
// nothing to keep across a call.
[[gnu::noinline]] bool put_own_or_nobodys(place_record record, void* p, unsigned bin) noexcept {
    cache_entrance* const entrance = this_thread_start.cache;
    if (!entrance->gate.enter(bin, p)) return false;
    auto* const cache = static_cast<cache_record*>(entrance);
    const bool taken = cache->bias.take_own_or_nobodys(*record.at, record.idle, cache->puts_in_a_row);
    const bool kept =
        taken && record.is_still(class_bytes(class_in(bin))) && cache->push_bin(bin, static_cast<std::byte*>(p));
    cache->gate.leave();
    if (taken && !kept) put_not_kept(record, p, class_in(bin));
    return taken;
}

// The same of what has its record in the table.
[[gnu::always_inline]] inline bool put_own(page_record* near, void* p, unsigned bin) noexcept {
    return near != nullptr && put_own(record_at(near, p, class_in(bin)), p, bin);
}

// A block that another thread lent; or of another class than a get of n would have now: longer, or lent by a thread
// that is served otherwise.
[[gnu::noinline]] void put_as_recorded(place_owner owner, void* p, std::size_t n) noexcept {
    const unsigned cls = guessed_class(owner.as_chunk(), p);
    const bool holds = cls < chunk_class_count && n <= class_bytes(cls); // of a place without block there is no class
    if (!holds || !take_from(owner.as_chunk(), p, cls, "put")) return put_elsewhere(p, owner, n);
    put_taken(p, cls);
}

// What put_own() does not put of what has its record in the table.
[[gnu::noinline]] void put_rest(void* p, std::size_t n, unsigned bin) noexcept {
    const place_owner owner = places.find(p);
    const bool others = this_thread_start.cache->bias.look().nobodys_come_first();
    bool done = false;
    if (large_block* const l = owner.as_large()) {
        // relaxed: if p is lent, the lender's hand-over orders it
        const bool as_asked = l->data.load(memory_order_relaxed) == p && l->sealed() &&
                              l->capacity.load(memory_order_relaxed) == class_bytes(class_in(bin));
        const place_record record = record_of(*l, p);
        done = as_asked && (others ? put_own_or_nobodys(record, p, bin) : put_own(record, p, bin));
    } else if (chunk* const c = owner.as_chunk(); c != nullptr && starts_page(p)) {
        const place_record record = record_of(*c, p, class_in(bin));
        const bool is_near = near_records->find(p) != nullptr; // then put_own() has looked
        done = others ? put_own_or_nobodys(record, p, bin) : !is_near && put_own(record, p, bin);
    }
    if (!done) put_as_recorded(owner, p, n);
}

} // namespace

void* get_bare(std::size_t n) {
    held_block b;
    const unsigned bin = this_thread_start.sizes.bin_for(n);
    cache_entrance* const cache = this_thread_start.cache;
    if (!get_cached(cache, bin, b)) [[unlikely]]
        return lend_as_found(get_slow(n).data);
    return lend(b.data, class_in(bin), *cache);
}

void* try_get_bare(std::size_t n) noexcept {
    held_block b;
    const unsigned bin = this_thread_start.sizes.bin_for(n);
    cache_entrance* const cache = this_thread_start.cache;
    if (!get_cached(cache, bin, b)) [[unlikely]] {
        b = try_get_slow(n);
        return b.data != nullptr ? lend_as_found(b.data) : nullptr;
    }
    return lend(b.data, class_in(bin), *cache);
}

void lend_bare(std::byte* data) noexcept { lend_as_found(data); }

held_block take_bare(const char* verb, void* p) noexcept {
    const place_owner owner = places.find(p);
    const unsigned cls = guessed_class(owner.as_chunk(), p);
    return take_from(owner.as_chunk(), p, cls, verb) ? of_class(p, cls) : take_elsewhere(verb, p, owner);
}

// The class that a get of n would have now: most often the block's.
void put_bare(void* p, std::size_t n) noexcept {
    const unsigned bin = this_thread_start.sizes.bin_for(n);
    constexpr unsigned last_in_chunks = bin_of(chunk_class_count - 1); // records of large blocks are in no table
    if (bin > last_in_chunks || !put_own(near_records->find(p), p, bin)) [[unlikely]]
        put_rest(p, n, bin);
}

void put_bare(void* p) noexcept {
    page_record* const near = near_records->find(p);
    const unsigned cls = near != nullptr ? class_said_by(*near) : class_limit;
    if (cls >= chunk_class_count || !put_own(near, p, bin_of(cls))) [[unlikely]]
        put_rest(p, 0, bin_of(guessed_class(places.find(p), p)));
}

} // namespace synk::inline v1::detail
