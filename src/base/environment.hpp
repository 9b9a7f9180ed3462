// What the environment says. It is read once, when the library is set up: later a thread of the program's may change
// it, and what others read meanwhile may be freed.
#pragma once

#include <synk/options.hpp>

namespace synk::inline v1::detail {

// The defaults, changed by what SYNK_... variables say. A variable that cannot be read, or whose value is out of
// range, is left out with one line on standard error. Copies the pressure variables, too.
[[nodiscard]] options options_from_environment() noexcept;

// Sets the option of this variable as if the environment said so. False, and nothing has changed, when there is none,
// or the text is no value that it can have beside the others.
[[nodiscard]] bool set_option(options& all, const char* name, const char* text) noexcept;

// MEMORY_PRESSURE_WATCH and MEMORY_PRESSURE_WRITE as they were when they were last copied; null when not set, or too
// long, which is said in one line on standard error. Not to be copied while another thread may read them.
void copy_pressure_variables() noexcept;
[[nodiscard]] const char* memory_pressure_watch() noexcept;
[[nodiscard]] const char* memory_pressure_write() noexcept;

// What is wrong with options; nothing when there is no range.
struct fault {
    const char* range = nullptr; // "idle_limit must lie between 0 and 2^46 bytes"
    char value[24] = {};         // what it is instead: "70368744177665"

    [[nodiscard]] explicit operator bool() const noexcept { return range != nullptr; }
};
[[nodiscard]] fault fault_in(const options& wanted) noexcept;

} // namespace synk::inline v1::detail
