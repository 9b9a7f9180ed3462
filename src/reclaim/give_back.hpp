// Giving idle memory back at once: for trim(), for a failing allocation, for a fork, under pressure.
#pragma once

#include <cstddef>

namespace synk::inline v1::detail {

// Everything idle in caches and channels becomes free pages, whole again with their neighbours. What is in quarantine
// stays there: it is not to be got again yet.
void gather_idle() noexcept;

// Bytes that lie idle and may be resident: a recent value.
[[nodiscard]] std::size_t idle_bytes() noexcept;

// Gives idle memory back until at most `keep` bytes are idle. Returns the bytes.
std::size_t trim_idle(std::size_t keep) noexcept;

// Gives at least `bytes` of idle memory back, or all that is in chunks, in channels and in the calling thread's cache.
// Returns the bytes.
std::size_t give_back_nearby(std::size_t bytes) noexcept;

// Gives idle memory back until what caches may still fill without asking anybody fits under `limit` too. For a limit
// that was lowered.
void make_fit(std::size_t limit) noexcept;

// All that is idle goes back, addresses too, since some limits count those: the last resort before "no memory".
void give_all_back() noexcept;

} // namespace synk::inline v1::detail
