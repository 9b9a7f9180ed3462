// What is wrong with a block that a handle puts or lends on: the same words wherever it is found.
#pragma once

namespace synk::inline v1::detail {

// Each ends the process with a line that begins with the verb ("put", "lending", ...).
[[noreturn, gnu::cold]] void fail_foreign_handle(const char* verb, const void* p) noexcept; // no block is there
[[noreturn, gnu::cold]] void fail_copied_handle(const char* verb, const void* p) noexcept;  // it is not its owner's
[[noreturn, gnu::cold]] void fail_corrupted(const char* verb, const void* p) noexcept;      // its record makes no sense

} // namespace synk::inline v1::detail
