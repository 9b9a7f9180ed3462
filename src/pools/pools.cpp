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

// Pushes into the own cache; what had to make place for it comes out.
struct put_result {
    bool kept = false;
    unsigned spilled = 0;
};

put_result put_behind_gate(cache_record& c, unsigned cls, block b, std::byte** spilled) noexcept {
    put_result result;
    const auto& bin = c.bins[cls];
    if (bin.limit == 0) return result;
    if (bin.count == bin.limit) result.spilled = thread_caches::take_oldest(c, cls, spilled, bin.limit / 2);
    result.kept = thread_caches::make_room(c, b.capacity) && c.push(cls, b.data, b.capacity);
    return result;
}

bool put_into_cache(block b) noexcept {
    cache_record* const c = thread_caches::own();
    if (c == nullptr) return false;
    const unsigned cls = class_of(b.capacity);
    if (c->gate.take_wish() && c->gate.enter_slow()) {
        thread_caches::empty(*c);
        c->gate.leave();
    }
    if (!c->gate.enter_slow()) return false;
    std::byte* spilled[slots_per_bin];
    const put_result result = put_behind_gate(*c, cls, b, spilled);
    c->gate.leave();
    if (result.spilled != 0) shared_store::put(cls, spilled, result.spilled);
    return result.kept;
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
    if (!put_into_cache(b)) shared_store::put_unreserved(b);
}

block regrow(block b, std::size_t used, std::size_t n) {
    if (n > max_block_size) throw_impossible(n);
    if (b.capacity > chunk_size) {
        const block grown = large_store::grow(b, n);
        if (grown.data != nullptr) return grown;
    }
    const block larger = get(n);
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
    const std::size_t capacity = detail::bare_block("put", p).capacity;
    if (n > capacity)
        detail::fatal("put of %p with %zu bytes: the block has only %zu; pass the size that it was allocated with", p, n,
                      capacity);
    detail::put(detail::take_bare(p));
}

} // namespace synk::inline v1
