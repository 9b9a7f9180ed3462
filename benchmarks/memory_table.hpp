// Memory over time: what processes keep of what they no longer use, and what using it again costs.
#pragma once

#include <vector>

#include "memory_timeline.hpp"
#include "progress.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace bench {

// The columns that the goals read.
namespace memory_key {
inline constexpr const char* peak_mib = "peak_mib";
inline constexpr const char* kept_mib = "kept_mib";
inline constexpr const char* steady_ms = "steady_ms";
inline constexpr const char* first_ms = "first_ms";
} // namespace memory_key

struct memory_result {
    table measured; // a row for each allocator, synk first
    std::vector<timeline> timelines;
};

// Every allocator in a process of its own, all at once as far as the memory of the machine allows. Throws
// std::runtime_error when synk's process failed; others are left out with a note.
[[nodiscard]] memory_result measure_memory(const settings& s, progress& shown);

} // namespace bench
