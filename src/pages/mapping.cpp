#include "pages/mapping.hpp"

#include <cstdint>

#include "pages/system.hpp"

namespace synk::inline v1::detail {

namespace {

constinit atomic<std::size_t> refusals{0};

bool aligned(const std::byte* p, std::size_t alignment) noexcept {
    return (reinterpret_cast<std::uintptr_t>(p) & (alignment - 1)) == 0;
}

std::byte* align_down(std::byte* p, std::size_t alignment) noexcept {
    return p - (reinterpret_cast<std::uintptr_t>(p) & (alignment - 1));
}

std::byte* map(std::size_t size, bool accessible, std::byte* wish = nullptr) noexcept {
    return static_cast<std::byte*>(os().map(size, accessible, wish));
}

// Maps more than is needed and cuts off what sticks out of the aligned part.
std::byte* map_and_cut(std::size_t size, std::size_t alignment, bool accessible) noexcept {
    std::byte* const wide = map(size + alignment, accessible);
    if (wide == nullptr) return nullptr;
    std::byte* const at = align_down(wide + alignment - 1, alignment);
    std::byte* const end = at + size;
    if (at != wide) os().unmap(wide, static_cast<std::size_t>(at - wide));
    const auto behind = static_cast<std::size_t>(wide + size + alignment - end);
    if (behind != 0) os().unmap(end, behind);
    return at;
}

// The kernel places mappings below each other: what is below the first answer is most often free, and the next mapping
// of the same size is aligned as it comes. To cut needs more address space for a moment, which a limit may not have.
std::byte* map_at_boundary(std::size_t size, std::size_t alignment, bool accessible) noexcept {
    std::byte* wish = nullptr;
    for (int attempt = 0; attempt < 2; ++attempt) {
        std::byte* const at = map(size, accessible, wish);
        if (at == nullptr || aligned(at, alignment)) return at;
        os().unmap(at, size);
        wish = align_down(at, alignment);
    }
    return map_and_cut(size, alignment, accessible);
}

bool advise(std::byte* at, std::size_t size, advice what) noexcept {
    if (os().advise(at, size, what)) return true;
    refusals.fetch_add(1, memory_order_relaxed); // relaxed: a count
    return false;
}

} // namespace

std::byte* map_aligned(std::size_t size, std::size_t alignment) noexcept {
    return map_at_boundary(size, alignment, true);
}

std::byte* reserve_aligned(std::size_t size, std::size_t alignment) noexcept {
    return map_at_boundary(size, alignment, false);
}

bool make_accessible(std::byte* at, std::size_t size) noexcept { return os().make_accessible(at, size); }
bool make_inaccessible(std::byte* at, std::size_t size) noexcept { return os().make_inaccessible(at, size); }

bool unmap(std::byte* at, std::size_t size) noexcept { return os().unmap(at, size); }

bool resize_in_place(std::byte* at, std::size_t size, std::size_t new_size) noexcept {
    return os().remap(at, size, new_size, nullptr) != nullptr;
}

bool move_mapping(std::byte* at, std::size_t size, std::byte* target, std::size_t new_size) noexcept {
    return os().remap(at, size, new_size, target) != nullptr;
}

bool advise_huge(std::byte* at, std::size_t size) noexcept { return advise(at, size, advice::huge); }
bool advise_small(std::byte* at, std::size_t size) noexcept { return advise(at, size, advice::no_huge); }
bool advise_weak(std::byte* at, std::size_t size) noexcept { return advise(at, size, advice::weak); }
bool advise_gone(std::byte* at, std::size_t size) noexcept { return advise(at, size, advice::gone); }
bool advise_gone_unless_locked(std::byte* at, std::size_t size) noexcept {
    return advise(at, size, advice::gone_unless_locked);
}

std::size_t refused_advice() noexcept { return refusals.load(memory_order_relaxed); } // relaxed: a count

} // namespace synk::inline v1::detail
