#include "pages/record_store.hpp"

#include <synk/detail/size_class.hpp>

#include "pages/system.hpp"

namespace synk::inline v1::detail {

namespace {

constexpr std::size_t slab_size = std::size_t{1} << 20;
constexpr std::size_t record_alignment = 64;

// Invariant: bytes [0, used) belong to whoever advanced `used` over them; used may run past slab_size, then
// the slab is exhausted.
struct slab {
    atomic<std::size_t> used;
};

constinit atomic<slab*> current{nullptr};

std::size_t aligned_size(std::size_t size) noexcept { return (size + record_alignment - 1) & ~(record_alignment - 1); }

// [ no access | size bytes | no access ]
std::byte* map_guarded(std::size_t size) noexcept {
    const std::size_t whole = size + 2 * page_size;
    auto* const outer = static_cast<std::byte*>(os().map(whole, false, nullptr));
    if (outer == nullptr) return nullptr;
    if (os().make_accessible(outer + page_size, size)) return outer + page_size;
    os().unmap(outer, whole);
    return nullptr;
}

std::byte* take_from(slab* s, std::size_t size) noexcept {
    if (s == nullptr) return nullptr;
    // relaxed: the addition alone decides who owns the bytes, and they are fresh zeros that nobody has
    // written.
    const std::size_t at = s->used.fetch_add(size, memory_order_relaxed);
    return at + size <= slab_size ? reinterpret_cast<std::byte*>(s) + at : nullptr;
}

// A new slab in place of `old`. Loses gracefully: the other's slab is then the current one.
void replace(slab* old) noexcept {
    std::byte* const memory = map_guarded(slab_size);
    if (memory == nullptr) return;
    auto* const fresh = reinterpret_cast<slab*>(memory);
    fresh->used.store(aligned_size(sizeof(slab)), memory_order_relaxed); // relaxed: published by the CAS
    // release: publishes `used` to take_record_memory's acquire.
    if (!current.compare_exchange_strong(old, fresh, memory_order_release, memory_order_relaxed))
        os().unmap(memory - page_size, slab_size + 2 * page_size);
}

} // namespace

void* take_record_memory(std::size_t size) noexcept {
    size = aligned_size(size);
    if (size > slab_size / 2) return map_guarded((size + page_size - 1) & ~(page_size - 1));
    for (int attempt = 0; attempt < 64; ++attempt) {
        slab* const s = current.load(memory_order_acquire); // pairs with replace's release
        if (std::byte* const memory = take_from(s, size)) return memory;
        replace(s);
        if (current.load(memory_order_relaxed) == s) return nullptr; // relaxed: only asks whether it was replaced
    }
    return nullptr;
}

} // namespace synk::inline v1::detail
