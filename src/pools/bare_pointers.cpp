// Blocks that are lent as bare pointers: a mark in the block's record says so, set with the get and taken back with the
// put.
//
// The usual way is that of a block in a chunk, of the class that serves the caller's size now. What its record must be
// is then known before it is read, and so is the bin: nothing but a branch waits for what is read.

#include <synk/detail/thread_cache.hpp>

#include "checks/fatal.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk.hpp"
#include "hardened/guarded_blocks.hpp"
#include "large/large_store.hpp"
#include "pools/checked_block.hpp"

namespace synk::inline v1::detail {

namespace {

// Only the block's owner lends it. relaxed: the mark travels with the block. These return data, so that the calls are
// the last thing that their callers do, who then need no frame.
[[gnu::noinline]] std::byte* lend_elsewhere(std::byte* data, place_owner owner) noexcept {
    if (chunk* const c = owner.as_chunk()) {
        const unsigned page = c->page_of(data);
        const block_record r = c->record_at(page);
        if (!r.sealed_for(data)) fail_corrupted("lending", data);
        c->set_record(page, r.as_bare());
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
    c->set_record(page, idle.as_bare());
    return data;
}

// The three that follow take the mark back by an atomic: of two threads that put the same pointer at the same time one
// finds it gone. relaxed: it decides between the two, it publishes nothing. From then on this thread owns the block,
// and with it the record. False where p starts no block that is lent as a bare pointer.

// Of this class, too. Of a place without block the record is 0; without chunk, as of null, there is none.
[[gnu::always_inline]] inline bool take_from(chunk* c, void* p, unsigned cls) noexcept {
    if (c == nullptr || reinterpret_cast<std::uintptr_t>(p) % page_size != 0) [[unlikely]]
        return false;
    const block_record idle(cls, static_cast<std::byte*>(p));
    std::uint32_t expected = idle.as_bare().value();
    return c->record[c->page_of(p)].compare_exchange_strong(expected, idle.value(), memory_order_relaxed,
                                                            memory_order_relaxed);
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
        if (take_from(c, p, class_of(b.capacity))) return b;
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

[[gnu::always_inline]] inline void put_taken(void* p, unsigned cls) noexcept {
    if (!put_cached(static_cast<std::byte*>(p), bin_of(cls))) [[unlikely]]
        put_slow(of_class(p, cls));
}

// A block of another class than a get of n would have now: longer, or lent by a thread that is served otherwise.
[[gnu::noinline]] void put_as_recorded(place_owner owner, void* p, std::size_t n) noexcept {
    const unsigned cls = guessed_class(owner.as_chunk(), p);
    const bool holds = cls < chunk_class_count && n <= class_bytes(cls); // of a place without block there is no class
    if (!holds || !take_from(owner.as_chunk(), p, cls)) return put_elsewhere(p, owner, n);
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
    return take_from(owner.as_chunk(), p, cls) ? of_class(p, cls) : take_elsewhere(verb, p, owner);
}

// The class that a get of n would have now: most often the block's.
void put_bare(void* p, std::size_t n) noexcept {
    const place_owner owner = places.find(p);
    const unsigned cls = class_in(this_thread_start.sizes.bin_for(n));
    if (!take_from(owner.as_chunk(), p, cls)) [[unlikely]]
        return put_as_recorded(owner, p, n);
    put_taken(p, cls);
}

void put_bare(void* p) noexcept {
    const place_owner owner = places.find(p);
    const unsigned cls = guessed_class(owner.as_chunk(), p);
    if (!take_from(owner.as_chunk(), p, cls)) [[unlikely]]
        return put_elsewhere(p, owner, 0);
    put_taken(p, cls);
}

} // namespace synk::inline v1::detail
