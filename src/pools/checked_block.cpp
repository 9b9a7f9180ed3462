#include "pools/checked_block.hpp"

#include <array>

#include "checks/fatal.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk_store.hpp"
#include "hardened/guarded_blocks.hpp"
#include "large/large_store.hpp"

namespace synk::inline v1::detail {

namespace {

[[noreturn]] void fail_interior(const char* verb, const void* p, const std::byte* start) noexcept {
    fatal("%s of %p: it points %zu bytes into the block at %p; pass the start of the block", verb, p,
          static_cast<std::size_t>(static_cast<const std::byte*>(p) - start), static_cast<const void*>(start));
}

[[noreturn]] void fail_idle(const char* verb, const void* p) noexcept {
    fatal("%s of %p: this memory is idle in the pool already; it was put a second time, or used after its put", verb,
          p);
}

[[noreturn]] void fail_not_bare(const char* verb, const void* p) noexcept {
    fatal("%s of %p: this block is not lent as a bare pointer; it was put a second time, or a handle owns it", verb, p);
}

[[noreturn]] void fail_corrupted(const char* verb, const void* p) noexcept {
    fatal("%s of %p: the record of this block is corrupted; something has written into the pool's own memory", verb, p);
}

[[noreturn]] void fail_foreign(const char* verb, const void* p) noexcept {
    fatal("%s of %p: not a block of this pool; a foreign pointer, or its memory went back to the system after its put",
          verb, p);
}

// p does not start a block: inside of one, or in free pages?
[[noreturn]] void fail_within(const char* verb, const chunk& c, const void* p) noexcept {
    const unsigned page = c.page_of(p);
    if (!c.owned.owned(page)) fail_idle(verb, p);
    for (unsigned first = page + 1; first-- > 0;) {
        const block_record r = c.record_at(first);
        if (r.none()) continue;
        if (r.sealed_for(c.at(first)) && first + class_pages(r.cls()) > page) fail_interior(verb, p, c.at(first));
        break; // that block ends before p: the block around p has lost its record
    }
    fail_corrupted(verb, p);
}

block checked_in_chunk(const char* verb, const chunk& c, const void* p) noexcept {
    const auto* const data = static_cast<const std::byte*>(p);
    const block_record r = c.record_at(c.page_of(p));
    if (data != c.at(c.page_of(p)) || r.none()) fail_within(verb, c, p);
    if (!r.sealed_for(data)) fail_corrupted(verb, p);
    if (!r.bare()) fail_not_bare(verb, p);
    return {c.at(c.page_of(p)), class_bytes(r.cls())};
}

block checked_large(const char* verb, const large_block& l, const void* p) noexcept {
    // relaxed: if p is lent, the lender's hand-over orders it
    const block b{l.data.load(memory_order_relaxed), l.capacity.load(memory_order_relaxed)};
    if (!l.sealed()) fail_corrupted(verb, p);
    if (b.data == nullptr) fail_idle(verb, p);
    if (static_cast<const std::byte*>(p) >= b.data + b.capacity) fail_foreign(verb, p); // in the rest of its last place
    if (b.data != p) fail_interior(verb, p, b.data);
    if (!l.bare.load(memory_order_relaxed)) fail_not_bare(verb, p);
    return b;
}

block checked_guarded(const char* verb, const guarded_block& g, const void* p) noexcept {
    // relaxed: if p is lent, the lender's hand-over orders it
    const block b{g.data.load(memory_order_relaxed), g.size.load(memory_order_relaxed)};
    const guarded_state state = g.state.load(memory_order_relaxed);
    if (p < b.data || p >= b.data + b.capacity) fail_foreign(verb, p); // in the guards
    if (state == guarded_state::retired) fail_idle(verb, p);
    if (b.data != p) fail_interior(verb, p, b.data);
    if (state != guarded_state::bare) fail_not_bare(verb, p);
    return b;
}

} // namespace

block bare_block(const char* verb, const void* p) noexcept {
    const place_owner owner = places.find(p);
    if (const large_block* const l = owner.as_large()) return checked_large(verb, *l, p);
    if (const chunk* const c = owner.as_chunk()) return checked_in_chunk(verb, *c, p);
    if (const guarded_block* const g = owner.as_guarded()) return checked_guarded(verb, *g, p);
    fail_foreign(verb, p);
}

namespace {

[[gnu::noinline]] void lend_bare_elsewhere(place_owner owner, std::byte* data) noexcept {
    if (large_block* const l = owner.as_large()) {
        if (!l->sealed()) fail_corrupted("lending", data);
        return l->bare.store(true, memory_order_relaxed);
    }
    if (guarded_block* const g = owner.as_guarded()) return g->state.store(guarded_state::bare, memory_order_relaxed);
    fail_corrupted("lending", data);
}

} // namespace

// Only the block's owner calls it. relaxed: the mark travels with the block.
void lend_bare(std::byte* data) noexcept {
    const place_owner owner = places.find(data);
    chunk* const c = owner.as_chunk();
    if (c == nullptr) [[unlikely]]
        return lend_bare_elsewhere(owner, data);
    const unsigned page = c->page_of(data);
    const block_record r = c->record_at(page);
    if (!r.sealed_for(data)) [[unlikely]]
        fail_corrupted("lending", data);
    c->set_record(page, r.as_bare());
}

namespace {

// What a handle or a cache keeps of a block of each class in chunks.
constexpr auto chunk_tags = [] {
    std::array<std::uint64_t, chunk_class_count> tags{};
    for (unsigned cls = 0; cls < chunk_class_count; ++cls) tags[cls] = held_block::tag_of(cls, class_pages(cls));
    return tags;
}();

// These three take back the mark by an atomic: of two threads that put the same pointer at the same time one finds it
// gone.

// False where p starts no block that is lent as a bare pointer. Of a place without block the record is 0, and stays so.
[[gnu::always_inline]] inline bool take_bare_from(chunk& c, void* p, held_block& out) noexcept {
    auto* const data = static_cast<std::byte*>(p);
    if (reinterpret_cast<std::uintptr_t>(p) % page_size != 0) return false;
    const unsigned page = c.page_of(p);
    // relaxed: it decides between the two, it publishes nothing. Only then the rest is read: before, it might be that
    // of the block's last life. From here on this thread owns the block, and with it the record.
    constexpr std::uint32_t bare = block_record::bare_bit;
    if ((c.record[page].fetch_and(~bare, memory_order_relaxed) & bare) == 0) return false;
    const block_record r = c.record_at(page);
    if (!r.sealed_for(data)) return false;
    out = held_block::tagged(data, chunk_tags[r.cls()]);
    return true;
}

held_block take_bare_from(large_block& l, void* p) noexcept {
    const block b = bare_block("put", p);
    if (!l.bare.exchange(false, memory_order_relaxed)) return {}; // relaxed: as above
    return b;
}

held_block take_bare_from(guarded_block& g, void* p) noexcept {
    const block b = bare_block("put", p);
    guarded_state expected = guarded_state::bare; // relaxed: as above
    if (!g.state.compare_exchange_strong(expected, guarded_state::in_handle, memory_order_relaxed,
                                         memory_order_relaxed))
        return {};
    return held_block::guarded(b.data, b.capacity);
}

[[gnu::always_inline]] inline bool take_bare_from_chunk(void* p, held_block& out) noexcept {
    chunk* const c = places.find(p).as_chunk();
    return c != nullptr && take_bare_from(*c, p, out);
}

[[gnu::noinline]] held_block take_bare_elsewhere(void* p) noexcept {
    const place_owner owner = places.find(p);
    held_block b;
    if (large_block* const l = owner.as_large())
        b = take_bare_from(*l, p);
    else if (guarded_block* const g = owner.as_guarded())
        b = take_bare_from(*g, p);
    if (b.data != nullptr) return b;
    static_cast<void>(bare_block("put", p)); // says what is wrong, unless it was another thread just now
    fail_not_bare("put", p);
}

[[noreturn]] void fail_size(const void* p, std::size_t n, std::size_t capacity) noexcept {
    fatal("put of %p with %zu bytes: the block has only %zu; pass the size that it was allocated with", p, n, capacity);
}

[[gnu::noinline]] void put_bare_elsewhere(void* p, std::size_t n) noexcept {
    if (p == nullptr) return;
    const held_block b = take_bare_elsewhere(p);
    if (n > b.capacity()) fail_size(p, n, b.capacity());
    put(b);
}

} // namespace

held_block take_bare(void* p) noexcept {
    held_block b;
    return take_bare_from_chunk(p, b) ? b : take_bare_elsewhere(p);
}

// Null is in no chunk either: the usual way need not ask.
void put_bare(void* p, std::size_t n) noexcept {
    held_block b;
    if (!take_bare_from_chunk(p, b)) [[unlikely]]
        return put_bare_elsewhere(p, n);
    if (n > b.whole_pages()) [[unlikely]]
        fail_size(p, n, b.capacity());
    put(b);
}

} // namespace synk::inline v1::detail
