// The measurement behind the picture of memory over time: each allocator in a process of its own, all in step.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocators.hpp"
#include "memory_timeline.hpp"

namespace bench {

struct memory_report {
    timeline over_time;
    std::string failure; // empty, or why there is nothing else in it
};

struct memory_plan {
    std::uint64_t live_bytes; // half of it is in use, twice as much at the peak
    std::chrono::seconds silence;
    std::uint64_t seed;
    std::function<void(std::string_view phase)> begins; // called at the begin of each phase
};

// Bytes: what the machine, and the container if this is one, has free now.
[[nodiscard]] std::uint64_t available_memory();
// How many processes with such a live set fit into half of the memory that is available now.
[[nodiscard]] std::size_t processes_that_fit(std::uint64_t live_bytes);

// All processes live through the phases together: every 100 ms each in turn does one step while the others wait, and
// then its memory is read. So no two of them work at one time, and their silences pass together: a process that waits
// disturbs nobody, and in turn they would take minutes. What may run beside a step is an allocator's own thread.
[[nodiscard]] std::vector<memory_report> measure_together(std::span<const allocator> allocators,
                                                          const memory_plan& plan);

} // namespace bench
