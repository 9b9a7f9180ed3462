// What memory checkers are told: an idle byte is poisoned, a fresh one undefined. AddressSanitizer is found
// at run time (its functions are weak here), so one build of the library serves instrumented and plain
// programs; Valgrind by its own test. Where neither is at work, active() is false and nothing else is called.
#pragma once

#include <cstddef>

#include <synk/detail/thread_cache.hpp>

namespace synk::inline v1::detail::tools {

// Whether a tool watches this process: then every get and put must come past here.
[[nodiscard]] bool active() noexcept;

void lend(block b) noexcept;                           // may be used from now on; contents undefined
void idle(block b) noexcept;                           // a touch is an error
void forget(std::byte* at, std::size_t size) noexcept; // the addresses go back to the system
void grown(block from, block to) noexcept;             // of a lent block, perhaps at another place

} // namespace synk::inline v1::detail::tools
