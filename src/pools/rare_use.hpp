// Threads that share a processor with others and seldom want a long block, of more than 64 KiB: none of those is kept
// for such a thread alone.
//
// What lies in a thread's cache is cold when its turn comes, once the threads that had the processor meanwhile have
// worked on blocks of theirs, and each has its own: 32 threads that take one buffer after another come to hold 170 MiB.
// Their long blocks become free pages of chunks as soon as they are put, and the next get takes what was put on its
// processor last. That costs a few tenths of a microsecond more than a hit, which a thread that works on its buffers
// does not notice, and one that uses many would (docs/explorations.md, 14).
#pragma once

#include "cache/thread_caches.hpp"

namespace synk::inline v1::detail::rare_use {

// To be asked at each get or put of a block of this class that does not hit: whether the block comes from, or goes,
// past the calling thread's cache. Others that are shorter never do.
[[nodiscard]] bool goes_past_cache(cache_record& own, unsigned cls) noexcept;

} // namespace synk::inline v1::detail::rare_use
