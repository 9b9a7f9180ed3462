// The order in which a get looks for its block and a put finds a place, behind the hit path.
#pragma once

#include <cstddef>

#include <synk/detail/thread_cache.hpp>

namespace synk::inline v1::detail {

// A block of at least n bytes, or none when the system has no memory even after everything idle was given
// back.
[[nodiscard]] block find_block(std::size_t n) noexcept;

// An idle large block of at least n bytes, or none: nothing new, and nothing that others have in their caches.
[[nodiscard]] block find_idle_large(std::size_t n) noexcept;

} // namespace synk::inline v1::detail
