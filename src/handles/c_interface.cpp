// <synk/synk.h>

#include <cerrno>
#include <cstring>

#include <synk/detail/thread_cache.hpp>
#include <synk/options.hpp>
#include <synk/stats.hpp>
#include <synk/synk.h>

#include "base/environment.hpp"
#include "pools/checked_block.hpp"

using namespace synk::detail;

namespace {

// Whether a get of this size may have come to a block so long: to its class's, or to the common length that holds it.
bool is_served_by(std::size_t capacity, std::size_t size) noexcept {
    const bool may_be_common = size >= size_map::least_common && capacity <= chunk_size;
    return class_of(size) == class_of(capacity) || (may_be_common && size_map::common_length(size) == capacity);
}

} // namespace

extern "C" {

void* synk_get(size_t size) {
    void* const data = try_get_bare(size);
    if (data == nullptr) errno = size > max_block_size ? EOVERFLOW : ENOMEM;
    return data;
}

void* synk_get_zeroed(size_t size) {
    void* const data = synk_get(size);
    if (data != nullptr) std::memset(data, 0, size);
    return data;
}

void synk_put(void* data) { put_bare(data); }

size_t synk_capacity(const void* data) { return data != nullptr ? bare_block("capacity", data).capacity : 0; }

void* synk_resize(void* data, size_t size) {
    if (data == nullptr) return synk_get(size);
    const size_t capacity = bare_block("resize", data).capacity;
    if (size <= capacity && is_served_by(capacity, size)) return data;
    const held_block old = take_bare("resize", data);
    const held_block other = try_regrow(old, size < capacity ? size : capacity, size);
    if (other.data == nullptr && size > capacity) errno = size > max_block_size ? EOVERFLOW : ENOMEM;
    lend_bare(other.data != nullptr ? other.data : old.data);
    return other.data != nullptr || size > capacity ? other.data : data; // it is long enough
}

size_t synk_trim(size_t keep) { return synk::trim(keep); }

size_t synk_maintain(void) { return synk::maintain(); }

int synk_pressure_fd(void) { return synk::pressure_fd(); }

size_t synk_on_pressure(void) { return synk::on_pressure(); }

int synk_configure(const char* name, const char* value) {
    synk::options wanted = synk::current_options();
    if (name == nullptr || value == nullptr || !set_option(wanted, name, value)) {
        errno = EINVAL;
        return -1;
    }
    synk::configure(wanted); // throws nothing: the values are in their ranges
    return 0;
}

void synk_get_stats(struct synk_stats* out) {
    const synk::statistics s = synk::stats();
    *out = {s.mapped, s.lent, s.idle, s.gone, 0, 0, s.splits, s.restored, s.dropped, s.given_back, s.refused_advice};
    for (const auto& tier : s.tiers) {
        out->hits += tier.cache_hits + tier.channel_hits + tier.chunk_hits;
        out->misses += tier.misses;
    }
}

} // extern "C"
