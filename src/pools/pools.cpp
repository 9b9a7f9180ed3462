// The two pools, and what lies behind the hit path of detail/thread_cache.hpp.

#include <cstring>

#include <synk/sized_pool.hpp>
#include <synk/unsized_pool.hpp>

#include "base/settings.hpp"
#include "cache/thread_caches.hpp"
#include "checks/errors.hpp"
#include "checks/fatal.hpp"
#include "checks/tools.hpp"
#include "large/large_store.hpp"
#include "pools/block_source.hpp"
#include "pools/checked_block.hpp"
#include "reclaim/keeper.hpp"
#include "shared/shared_store.hpp"

namespace synk::inline v1 {

namespace detail {

namespace {

block lend(block b) noexcept {
    if (b.data == nullptr) return {};
    if (tools::active()) tools::lend(b);
    if (the_settings.zero_on_get()) std::memset(b.data, 0, b.capacity);
    return b;
}

bool put_into_cache(block b) noexcept {
    cache_record* const c = thread_caches::own();
    if (c == nullptr || !c->gate.enter_slow()) return false;
    if (c->gate.take_wish()) thread_caches::empty(*c);
    const unsigned cls = class_of(b.capacity);
    thread_caches::spill over;
    thread_caches::make_place(*c, cls, over);
    const bool kept = c->push(cls, b.data);
    c->gate.leave();
    if (over.reserved != 0) shared_store::put_reserved(cls, over.items, over.reserved);
    if (over.count != over.reserved) shared_store::put({over.items[over.reserved], b.capacity});
    return kept;
}

} // namespace

block try_get_slow(std::size_t n) noexcept {
    if (n > max_block_size) return {};
    return lend(find_block(n));
}

block get_slow(std::size_t n) {
    if (n > max_block_size) throw_impossible(n);
    const block b = lend(find_block(n));
    if (b.data == nullptr) throw_no_memory(n);
    return b;
}

void put_slow(block b) noexcept {
    if (the_settings.clear_on_put()) std::memset(b.data, 0, b.capacity);
    if (tools::active()) tools::idle(b);
    if (!put_into_cache(b)) shared_store::put(b);
    keeper::note_idle();
}

block regrow(block b, std::size_t used, std::size_t n) {
    if (n > max_block_size) throw_impossible(n);
    if (b.capacity > chunk_size) {
        const block grown = large_store::grow(b, n);
        if (grown.data != nullptr) return grown;
    }
    const block larger = get(n).plain();
    if (used != 0) std::memcpy(larger.data, b.data, used);
    if (b.data != nullptr) put(b);
    return larger;
}

struct the_pools {
    static sized_pool sized;
    static unsized_pool unsized;
};
constinit sized_pool the_pools::sized;
constinit unsized_pool the_pools::unsized;

} // namespace detail

sized_pool& get_sized_pool() noexcept { return detail::the_pools::sized; }
unsized_pool& get_unsized_pool() noexcept { return detail::the_pools::unsized; }

void sized_pool::deallocate(void* p, std::size_t n) noexcept {
    if (p == nullptr) return;
    const detail::held_block b = detail::take_bare(p);
    if (n > b.capacity()) [[unlikely]]
        detail::fatal("put of %p with %zu bytes: the block has only %zu; pass the size that it was allocated with", p,
                      n, b.capacity());
    detail::put(b);
}

} // namespace synk::inline v1
