#include "pools/checked_block.hpp"

#include "checks/fatal.hpp"
#include "checks/misuse.hpp"
#include "chunks/chunk_store.hpp"
#include "hardened/guarded_blocks.hpp"
#include "large/large_store.hpp"

namespace synk::inline v1::detail {

void fail_not_bare(const char* verb, const void* p) noexcept {
    fatal("%s of %p: this block is not lent as a bare pointer; it was put a second time, or a handle owns it: put each "
          "block once, and what a handle owns by that handle",
          verb, p);
}

namespace {

[[noreturn]] void fail_interior(const char* verb, const void* p, const std::byte* start) noexcept {
    fatal("%s of %p: it points %zu bytes into the block at %p; pass the start of the block", verb, p,
          static_cast<std::size_t>(static_cast<const std::byte*>(p) - start), static_cast<const void*>(start));
}

[[noreturn]] void fail_idle(const char* verb, const void* p) noexcept {
    fatal("%s of %p: this memory is idle in the pool already; it was put a second time, or used after its put: "
          "AddressSanitizer or Valgrind show where",
          verb, p);
}

[[noreturn]] void fail_foreign(const char* verb, const void* p) noexcept {
    fatal("%s of %p: not a block of this pool; a foreign pointer, or its memory went back to the system after its put: "
          "put it where it came from, and once",
          verb, p);
}

// p does not start a block: inside of one, or in free pages?
[[noreturn]] void fail_within(const char* verb, const chunk& c, const void* p) noexcept {
    const unsigned page = c.page_of(p);
    if (!c.owned.owned(page)) fail_idle(verb, p);
    const unsigned first = c.start_around(page);
    if (first == chunk::no_page) fail_corrupted(verb, p); // the block around p has lost its record
    fail_interior(verb, p, c.at(first));
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
    const std::uint32_t record = l.record.load(memory_order_relaxed);
    if (record == large_block::idle_record(p)) fail_not_bare(verb, p);
    if (record - put_bias::mark_of(put_bias::lender_in(record)) != large_block::idle_record(p)) fail_corrupted(verb, p);
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

block bare_block(const char* verb, const void* p, place_owner owner) noexcept {
    if (const large_block* const l = owner.as_large()) return checked_large(verb, *l, p);
    if (const chunk* const c = owner.as_chunk()) return checked_in_chunk(verb, *c, p);
    if (const guarded_block* const g = owner.as_guarded()) return checked_guarded(verb, *g, p);
    fail_foreign(verb, p);
}

block bare_block(const char* verb, const void* p) noexcept { return bare_block(verb, p, places.find(p)); }

} // namespace synk::inline v1::detail
