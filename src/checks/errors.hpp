// What the throwing half of the surface throws, with messages that name the size, the limit and the remedy.
#pragma once

#include <cstddef>

namespace synk::inline v1::detail {

[[noreturn, gnu::cold]] void throw_no_memory(std::size_t n);  // std::bad_alloc
[[noreturn, gnu::cold]] void throw_impossible(std::size_t n); // std::length_error

} // namespace synk::inline v1::detail
