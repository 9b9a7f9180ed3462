// Options from the environment.
#pragma once

#include <synk/options.hpp>

namespace synk::inline v1::detail {

// The defaults, changed by what SYNK_... variables say. A variable that cannot be read, or whose value is out of
// range, is left out with one line on standard error.
[[nodiscard]] options options_from_environment() noexcept;

// What is wrong with these options, naming the option and its range; null when nothing is.
[[nodiscard]] const char* fault_in(const options& wanted) noexcept;

} // namespace synk::inline v1::detail
