// The order in which a get looks for its block and a put finds a place, behind the hit path.
#pragma once

#include <cstddef>

#include <synk/detail/thread_cache.hpp>

namespace synk::inline v1::detail {

// A block of at least n bytes, or none when the system has no memory even after everything idle was given
// back.
[[nodiscard]] block find_block(std::size_t n) noexcept;

// Gives idle memory back until at most `keep` bytes are idle. Returns the bytes.
std::size_t trim_idle(std::size_t keep) noexcept;

} // namespace synk::inline v1::detail
