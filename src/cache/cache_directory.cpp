#include "cache/cache_directory.hpp"

namespace synk::inline v1::detail {

constinit cache_directory all_caches;

void cache_record::set_reserved(std::size_t bytes) noexcept {
    // relaxed: one writer at a time, behind the gate; others read a recent value.
    const bool before = reserved.load(memory_order_relaxed) != 0;
    reserved.store(bytes, memory_order_relaxed);
    if (before != (bytes != 0)) all_caches.note_reserving(*this, bytes != 0);
}

} // namespace synk::inline v1::detail
