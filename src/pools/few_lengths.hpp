// When few lengths serve all sizes above 64 KiB (size_map), and when each size has its class.
//
// A thread that takes one buffer after another would come by blocks of all classes, 26 MiB, in turn. The processor's
// caches notice that more than anything else here; served by few lengths it works on three blocks, 5 MiB
// (docs/explorations.md, 14). What that wastes is of the little that is lent. Beside more each size has its class; so
// it has where no get is a hit, as options and tools that see each byte of a block had rather see no more than was
// asked for, and where so little may lie idle that a long block would be much of it.
#pragma once

#include "cache/thread_caches.hpp"

namespace synk::inline v1::detail::few_lengths {

// Whether an option or a tool sees each byte of a block: then classes serve, and there is nothing to choose.
[[nodiscard]] bool must_see_blocks() noexcept;

// The thread's cache has nothing for what it wants. At some misses it is looked how little is lent, and the thread's
// gets are served so from then on. One that finds all it wants goes on as it is.
void choose_after_miss(cache_record& own) noexcept;

} // namespace synk::inline v1::detail::few_lengths
