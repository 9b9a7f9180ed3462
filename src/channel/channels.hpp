// The channels of the process: one a tier.
#pragma once

#include <synk/detail/size_class.hpp>

#include "channel/channel.hpp"

namespace synk::inline v1::detail {

// The specification's bound: max(8, 256 >> tier) blocks.
[[nodiscard]] constexpr unsigned channel_bound(unsigned tier) noexcept { return (256U >> tier) > 8 ? 256U >> tier : 8; }

// A tier's classes, numbered from 0: the kinds of its channel.
[[nodiscard]] constexpr unsigned kind_of(unsigned cls) noexcept {
    return cls < class_fan ? (cls == class_fan - 1 ? 1 : 0) : cls % class_fan;
}
static_assert(tier_of_class(2) == tier_of_class(3) && kind_of(2) != kind_of(3), "tier 2 has two classes");
static_assert(tier_of_class(1) != tier_of_class(2) && tier_of_class(4) == tier_of_class(7));

extern constinit channel channels[tier_count];

[[nodiscard]] inline channel& channel_of(unsigned cls) noexcept { return channels[tier_of_class(cls)]; }

} // namespace synk::inline v1::detail
