#include "channel/channels.hpp"

namespace synk::inline v1::detail {

constinit channel channels[tier_count] = {
    channel(channel_bound(0)), channel(channel_bound(1)), channel(channel_bound(2)),  channel(channel_bound(3)),
    channel(channel_bound(4)), channel(channel_bound(5)), channel(channel_bound(6)),  channel(channel_bound(7)),
    channel(channel_bound(8)), channel(channel_bound(9)), channel(channel_bound(10)),
};

} // namespace synk::inline v1::detail
