// The two pools, and what lies behind the hit path of detail/thread_cache.hpp.

#include <algorithm>
#include <cstring>

#include <synk/sized_pool.hpp>
#include <synk/unsized_pool.hpp>

#include "base/errno_stays.hpp"
#include "base/settings.hpp"
#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "checks/errors.hpp"
#include "checks/fatal.hpp"
#include "checks/tools.hpp"
#include "hardened/guarded_blocks.hpp"
#include "hardened/quarantine.hpp"
#include "large/large_store.hpp"
#include "pools/block_source.hpp"
#include "pools/checked_block.hpp"
#include "pools/rare_use.hpp"
#include "reclaim/keeper.hpp"
#include "shared/shared_store.hpp"

namespace synk::inline v1 {

namespace detail {

namespace {

held_block lend(held_block b) noexcept {
    if (b.data == nullptr) return {};
    if (tools::active()) tools::lend(b.plain());
    if (the_settings.zero_on_get()) std::memset(b.data, 0, b.capacity());
    return b;
}

held_block find_and_lend(std::size_t n) noexcept {
    const own_work mark;
    const errno_stays kept;
    held_block b = guarded_blocks::get(n);
    if (b.data == nullptr) b = find_block(n);
    keeper::note_idle(); // a get has made the rest of a huge page idle
    return lend(b);
}

bool put_into_cache(cache_record& own, block b) noexcept {
    if (!own.gate.enter_slow()) return false;
    const unsigned cls = class_of(b.capacity);
    thread_caches::spill over;
    const bool kept = thread_caches::keep(own, cls, b.data, over);
    own.gate.leave();
    if (over.reserved != 0) shared_store::put_reserved(cls, over.items, over.reserved);
    if (over.count != over.reserved) shared_store::put({over.items[over.reserved], b.capacity});
    return kept;
}

void put_for_reuse(block b) noexcept {
    if (the_settings.clear_on_put()) std::memset(b.data, 0, b.capacity);
    if (the_settings.hardened() && quarantine::hold(b)) return;
    if (tools::active()) tools::idle(b);
    cache_record* const own = thread_caches::own();
    if (own != nullptr) thread_caches::grant_wish(*own);
    const bool goes_past = own != nullptr && rare_use::goes_past_cache(*own, class_of(b.capacity));
    if (own != nullptr && !goes_past && put_into_cache(*own, b)) return;
    // What nobody uses makes room, before what was used just now goes. A guess: shared_store decides.
    const std::size_t limit = budget.limit();
    if (b.capacity <= limit && budget.reserved() + b.capacity > limit) thread_caches::empty_resting(b.capacity);
    if (goes_past)
        shared_store::put_near(b);
    else
        shared_store::put(b);
}

bool grows_as_large(held_block b, std::size_t n) noexcept {
    return b.capacity() > chunk_size && !b.is_guarded() && n > b.capacity();
}

// By page tables; none where the system refuses, and of blocks that are not large.
held_block grow_large(held_block b, std::size_t n) noexcept {
    return grows_as_large(b, n) ? held_block(large_store::grow(b.plain(), n)) : held_block();
}

// A block that is moved by page tables gets new memory behind what it had, and to touch that takes longer than to copy
// half as much more (docs/explorations.md, 19): so an idle block comes first, as everywhere, if it is longer by two
// thirds of what is to be copied. None where there is none.
held_block idle_to_grow_into(held_block b, std::size_t used, std::size_t n) noexcept {
    if (!grows_as_large(b, n)) return {};
    const own_work mark;
    return lend(find_idle_large(std::max(n, b.capacity() + used / 3 * 2)));
}

} // namespace

held_block try_get_slow(std::size_t n) noexcept {
    if (n > max_block_size) return {};
    return find_and_lend(n);
}

held_block get_slow(std::size_t n) {
    if (n > max_block_size) throw_impossible(n);
    const held_block b = find_and_lend(n);
    if (b.data == nullptr) throw_no_memory(n);
    return b;
}

void put_slow(held_block b) noexcept {
    const own_work mark;
    const errno_stays kept;
    if (b.is_guarded())
        quarantine::hold_guarded(b);
    else
        put_for_reuse(b.plain());
    keeper::note_idle();
}

held_block try_regrow(held_block b, std::size_t used, std::size_t n) noexcept {
    if (n > max_block_size) return {};
    const errno_stays kept;
    held_block other = idle_to_grow_into(b, used, n);
    if (other.data == nullptr) {
        const held_block grown = grow_large(b, n);
        if (grown.data != nullptr) return grown;
        other = try_get(n);
    }
    if (other.data == nullptr) return grow_large(b, n); // what was idle has gone back: it may have been in the way
    if (used != 0) std::memcpy(other.data, b.data, used);
    if (b.data != nullptr) put(b);
    return other;
}

held_block regrow(held_block b, std::size_t used, std::size_t n) {
    if (n > max_block_size) throw_impossible(n);
    const held_block other = try_regrow(b, used, n);
    if (other.data == nullptr) throw_no_memory(n);
    return other;
}

} // namespace detail

constinit sized_pool sized_pool::the_pool;
constinit unsized_pool unsized_pool::the_pool;

} // namespace synk::inline v1
