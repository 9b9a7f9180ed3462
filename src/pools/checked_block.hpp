// From a bare pointer to its block, or to a loud end.
#pragma once

#include <cstddef>

#include <synk/detail/thread_cache.hpp>

#include "chunks/address_map.hpp"

namespace synk::inline v1::detail {

// The block that starts at p and is lent as a bare pointer. Anything else ends the process with a line that
// begins with the verb ("put", "resize", ...) and says what p is. Does not change anything.
[[nodiscard]] block bare_block(const char* verb, const void* p) noexcept;
// The same for those who know what owns the place.
[[nodiscard]] block bare_block(const char* verb, const void* p, place_owner owner) noexcept;

// One of these ends, for those who find out by themselves.
[[noreturn]] void fail_not_bare(const char* verb, const void* p) noexcept;

} // namespace synk::inline v1::detail
