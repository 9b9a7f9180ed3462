// Whose cache the number in a record's mark names (put_bias.hpp): the first caches of the process have numbers that fit
// in there, what threads with later ones lend is marked as nobody's. A cache keeps its number, whose thread it ever is.
#pragma once

#include "cache/thread_caches.hpp"

namespace synk::inline v1::detail {

// Before anybody else knows the cache.
void name_as_lender(cache_record& c) noexcept;

// Null: no cache has this number.
[[nodiscard]] cache_record* lender_of(unsigned number) noexcept;

} // namespace synk::inline v1::detail
