#include "cache/cache_directory.hpp"

namespace synk::inline v1::detail {

constinit cache_directory all_caches;

void cache_record::set_reserved(std::size_t bytes) noexcept {
    // relaxed: one writer at a time, behind the gate; others read a recent value.
    const bool before = reserved.load(memory_order_relaxed) != 0;
    reserved.store(bytes, memory_order_relaxed);
    if (before != (bytes != 0)) all_caches.note_reserving(*this, bytes != 0);
}

// ---- What all caches have together ----

std::size_t thread_caches::idle_bytes(unsigned end) noexcept {
    std::size_t bytes = 0;
    all_caches.each_reserving([&bytes, end](const cache_record& c) {
        for (unsigned cls = 0; cls < end; ++cls) // relaxed: recent values
            bytes += (c.count(cls) + c.parked[cls].load(memory_order_relaxed)) * class_bytes(cls);
    });
    return bytes;
}

std::size_t thread_caches::reserved_bytes() noexcept {
    std::size_t bytes = 0;
    all_caches.each_reserving(
        [&bytes](const cache_record& c) { bytes += c.reserved.load(memory_order_relaxed); }); // relaxed: recent
    return bytes;
}

thread_caches::class_hits thread_caches::hits() noexcept {
    class_hits sum;
    all_caches.each([&sum](const cache_record& c) {
        for (unsigned cls = 0; cls < cached_class_count; ++cls) sum.of[cls] += c.bin(cls).hits();
    });
    return sum;
}

} // namespace synk::inline v1::detail
