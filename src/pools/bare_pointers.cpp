// Blocks that are lent as bare pointers: a mark in the block's record says so, set with the get and taken back with the
// put.
//
// The usual way is that of a block in a chunk, of the class that serves the caller's size now, put by the thread that
// lent it. What its record must be is then known before it is read, and so is the bin: nothing but a branch waits for
// what is read, and no locked instruction is needed (put_bias.hpp).

#include <synk/detail/thread_cache.hpp>

#include "cache/lenders.hpp"
#include "checks/fatal.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk.hpp"
#include "hardened/guarded_blocks.hpp"
#include "large/large_store.hpp"
#include "pools/checked_block.hpp"

namespace synk::inline v1::detail {

namespace {

// Only the block's owner lends it. relaxed: the mark travels with the block.
[[gnu::always_inline]] inline void mark_lent(chunk& c, unsigned page, block_record idle) noexcept {
    c.set_record(page, idle.with(this_thread_start.cache->bias.mark()));
}

// These return data, so that the calls are the last thing that their callers do, who then need no frame.
[[gnu::noinline]] std::byte* lend_elsewhere(std::byte* data, place_owner owner) noexcept {
    if (chunk* const c = owner.as_chunk()) {
        const unsigned page = c->page_of(data);
        const block_record r = c->record_at(page);
        if (!r.sealed_for(data)) fail_corrupted("lending", data);
        mark_lent(*c, page, r);
    } else if (large_block* const l = owner.as_large()) {
        if (!l->sealed()) fail_corrupted("lending", data);
        l->bare.store(true, memory_order_relaxed);
    } else if (guarded_block* const g = owner.as_guarded()) {
        g->state.store(guarded_state::bare, memory_order_relaxed);
    } else {
        fail_corrupted("lending", data);
    }
    return data;
}

std::byte* lend_as_found(std::byte* data) noexcept { return lend_elsewhere(data, places.find(data)); }

[[gnu::always_inline]] inline std::byte* lend(std::byte* data, unsigned cls) noexcept {
    const place_owner owner = places.find(data);
    chunk* const c = owner.as_chunk();
    if (c == nullptr) [[unlikely]]
        return lend_elsewhere(data, owner);
    const unsigned page = c->page_of(data);
    const block_record idle(cls, data);
    if (c->record_at(page).value() != idle.value()) [[unlikely]]
        return lend_elsewhere(data, owner);
    mark_lent(*c, page, idle);
    return data;
}

// Those that follow take the mark back: of two threads that put the same pointer at the same time one finds it gone.
// From then on this thread owns the block, and with it the record. False where p starts no block that is lent as a bare
// pointer.

[[gnu::always_inline]] inline bool starts_page(const void* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p) % page_size == 0;
}

// Of this class, too. Of a place without block the record is 0; without chunk, as of null, there is none.
[[gnu::noinline]] bool take_from(chunk* c, void* p, unsigned cls, const char* verb) noexcept {
    if (c == nullptr || !starts_page(p)) return false;
    auto& record = c->record[c->page_of(p)];
    const block_record idle(cls, static_cast<std::byte*>(p));
    const block_record lent = c->record_at(c->page_of(p));
    if (!lent.bare() || lent.without_mark().value() != idle.value()) return false;
    if (lent.lender() == put_bias::being_taken) fail_not_bare(verb, p);
    cache_entrance* const own = this_thread_start.cache;
    cache_record* const lender = lender_of(lent.lender());
    if (lender != own) own->bias.expect_others();
    if (lent.lender() == put_bias::nobody) return put_bias::swap(record, lent.value(), idle.value());
    if (lender == nullptr) fail_corrupted(verb, p);
    // A handler that interrupted the put of the same pointer has come between its load and its store.
    const bool taken =
        lender == own
            ? own->gate.page_inside() != p && put_bias::swap(record, lent.value(), idle.value())
            : lender->bias.take_another(record, lent.value(), idle.value(), lender->gate, p, thread_caches::barrier);
    if (!taken) fail_not_bare(verb, p);
    return true;
}

bool take_from(large_block& l) noexcept { return l.bare.exchange(false, memory_order_relaxed); }

bool take_from(guarded_block& g) noexcept {
    guarded_state expected = guarded_state::bare;
    return g.state.compare_exchange_strong(expected, guarded_state::in_handle, memory_order_relaxed,
                                           memory_order_relaxed);
}

// Where nobody says the size: the class that the record says now is a guess, and take_from() finds when it has changed.
[[gnu::always_inline]] inline unsigned guessed_class(const chunk* c, const void* p) noexcept {
    return c != nullptr ? c->record_at(c->page_of(p)).cls() : class_limit;
}

[[gnu::always_inline]] inline held_block of_class(void* p, unsigned cls) noexcept {
    return {static_cast<std::byte*>(p), cls, class_pages(cls)};
}

[[gnu::noinline]] held_block take_elsewhere(const char* verb, void* p, place_owner owner) noexcept {
    const block b = bare_block(verb, p, owner);
    if (chunk* const c = owner.as_chunk()) {
        if (take_from(c, p, class_of(b.capacity), verb)) return b;
    } else if (large_block* const l = owner.as_large()) {
        if (take_from(*l)) return b;
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

// Puts what the calling thread has lent, of the class of this bin. False, and nothing done, where it is something else
// or the cache is not to be had.
[[gnu::always_inline]] inline bool put_own(chunk* c, void* p, unsigned bin) noexcept {
    if (c == nullptr || !starts_page(p)) [[unlikely]]
        return false;
    cache_entrance* const cache = this_thread_start.cache;
    if (!cache->gate.enter(bin, p)) [[unlikely]]
        return false;
    auto* const data = static_cast<std::byte*>(p);
    const block_record idle(class_in(bin), data);
    const bool taken = cache->bias.take_own(c->record[c->page_of(p)], idle.value());
    const bool kept = taken && static_cast<thread_cache*>(cache)->push_bin(bin, data);
    cache->gate.leave();
    if (kept) [[likely]]
        return true;
    if (taken) put_slow(of_class(p, class_in(bin)));
    return taken;
}

// A block that another thread lent; or of another class than a get of n would have now: longer, or lent by a thread
// that is served otherwise.
[[gnu::noinline]] void put_as_recorded(place_owner owner, void* p, std::size_t n) noexcept {
    const unsigned cls = guessed_class(owner.as_chunk(), p);
    const bool holds = cls < chunk_class_count && n <= class_bytes(cls); // of a place without block there is no class
    if (!holds || !take_from(owner.as_chunk(), p, cls, "put")) return put_elsewhere(p, owner, n);
    put_taken(p, cls);
}

} // namespace

void* get_bare(std::size_t n) {
    held_block b;
    const unsigned bin = this_thread_start.sizes.bin_for(n);
    if (!get_cached(bin, b)) [[unlikely]]
        return lend_as_found(get_slow(n).data);
    return lend(b.data, class_in(bin));
}

void* try_get_bare(std::size_t n) noexcept {
    held_block b;
    const unsigned bin = this_thread_start.sizes.bin_for(n);
    if (!get_cached(bin, b)) [[unlikely]] {
        b = try_get_slow(n);
        return b.data != nullptr ? lend_as_found(b.data) : nullptr;
    }
    return lend(b.data, class_in(bin));
}

void lend_bare(std::byte* data) noexcept { lend_as_found(data); }

held_block take_bare(const char* verb, void* p) noexcept {
    const place_owner owner = places.find(p);
    const unsigned cls = guessed_class(owner.as_chunk(), p);
    return take_from(owner.as_chunk(), p, cls, verb) ? of_class(p, cls) : take_elsewhere(verb, p, owner);
}

// The class that a get of n would have now: most often the block's.
void put_bare(void* p, std::size_t n) noexcept {
    const place_owner owner = places.find(p);
    if (!put_own(owner.as_chunk(), p, this_thread_start.sizes.bin_for(n))) [[unlikely]]
        put_as_recorded(owner, p, n);
}

void put_bare(void* p) noexcept {
    const place_owner owner = places.find(p);
    if (!put_own(owner.as_chunk(), p, bin_of(guessed_class(owner.as_chunk(), p)))) [[unlikely]]
        put_as_recorded(owner, p, 0);
}

} // namespace synk::inline v1::detail
