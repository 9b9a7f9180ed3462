// Threads of which many share each processor, and which seldom want a long block, of more than 64 KiB and at most a
// chunk: none of those is kept for such a thread alone.
//
// What lies in a thread's cache is cold when its turn comes, once the threads that had the processor meanwhile have
// worked on blocks of theirs; and each has its own. So the long blocks of these become free pages of chunks as soon as
// they are put, and the next get takes what was put on its processor last. A get and a put then take some tenths of a
// microsecond, which a thread that works on its buffers does not notice, and one that uses many would
// (docs/explorations.md, 18).
//
// A thread that sleeps counts as one that shares. One that finds all it wants in its cache is not measured before the
// keeper has come by, after whose visits a bin's first get is no hit.
#pragma once

#include "cache/thread_caches.hpp"

namespace synk::inline v1::detail::rare_use {

// With up to so many each has its cache: with two and four there was next to nothing to gain.
inline constexpr unsigned threads_a_processor = 6;

// To be asked at each get or put of a block of this class that does not hit: whether the block comes, or goes, past the
// calling thread's cache. Once each, as it counts.
[[nodiscard]] bool goes_past_cache(cache_record& own, unsigned cls) noexcept;

} // namespace synk::inline v1::detail::rare_use
