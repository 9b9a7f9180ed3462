// The loud end: one line that says what was wrong, then abort().
#pragma once

#include <cstddef>

namespace synk::inline v1::detail {

// Writes "synk: " + the message + newline to standard error in one write and aborts. Allocates nothing.
// Async-signal-safe as far as vsnprintf of plain integers and pointers is.
[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...) noexcept;

} // namespace synk::inline v1::detail
