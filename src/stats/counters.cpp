#include "stats/counters.hpp"

namespace synk::inline v1::detail {

constinit pool_counters counters;

void note_peaks() noexcept {
    counters.mapped_peak.raise(counters.mapped.get());
    counters.owned_peak.raise(counters.chunk_owned.get() + counters.large_mapped.get());
}

} // namespace synk::inline v1::detail
