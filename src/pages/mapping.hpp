// Mappings of memory from the system: aligned, grown, moved, given back.
#pragma once

#include <cstddef>

namespace synk::inline v1::detail {

// size and alignment: multiples of the page size, alignment a power of two. Null when the system has no
// memory.
[[nodiscard]] std::byte* map_aligned(std::size_t size, std::size_t alignment) noexcept;

// The same, but a touch of it is a fault until it is made accessible: zeroed memory. Made inaccessible again, it loses
// its memory. False when the system refused.
[[nodiscard]] std::byte* reserve_aligned(std::size_t size, std::size_t alignment) noexcept;
[[nodiscard]] bool make_accessible(std::byte* at, std::size_t size) noexcept;
[[nodiscard]] bool make_inaccessible(std::byte* at, std::size_t size) noexcept;

// False when the system refused (it does when a split would exceed its count of mappings): then it is still
// mapped.
bool unmap(std::byte* at, std::size_t size) noexcept;

// Changes the length of a mapping where it stands. False when what lies behind it is taken.
bool resize_in_place(std::byte* at, std::size_t size, std::size_t new_size) noexcept;

// Moves a mapping, grown to new_size bytes, to `target`, a mapping of that size, which it replaces. Page
// tables move, contents do not: 5.6 us for 4 MiB where copying costs 285 us. False when refused: the mapping is as it
// was, but the target may be unmapped, and somebody else's by now.
bool move_mapping(std::byte* at, std::size_t size, std::byte* target, std::size_t new_size) noexcept;

// Whether the kernel took the advice; it may refuse any (locked memory, old kernels, sandboxes), which is
// counted.
bool advise_huge(std::byte* at, std::size_t size) noexcept;
bool advise_small(std::byte* at, std::size_t size) noexcept; // no huge pages
bool advise_weak(std::byte* at, std::size_t size) noexcept;
bool advise_gone(std::byte* at, std::size_t size) noexcept;
bool advise_gone_unless_locked(std::byte* at, std::size_t size) noexcept;

// Times an advice was refused.
[[nodiscard]] std::size_t refused_advice() noexcept;

} // namespace synk::inline v1::detail
