#include "stats/counters.hpp"

namespace synk::inline v1::detail {

constinit pool_counters counters;

} // namespace synk::inline v1::detail
