// Memory over time: what one process held and what of it was resident, from its start to its end.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bench {

// What the phases are called, in their order.
namespace phase {
inline constexpr const char* use = "use";         // random sizes, the live set grown, part of it renewed each time
inline constexpr const char* peak = "peak";       // grown to the most, every byte written
inline constexpr const char* idle = "idle";       // all put back, bit by bit
inline constexpr const char* silence = "silence"; // the process makes no call of any kind
inline constexpr const char* again = "use again"; // as the first
} // namespace phase

struct memory_sample {
    double seconds = 0;            // since the start
    std::uint64_t resident = 0;    // bytes; Rss
    std::uint64_t lazily_free = 0; // of these, what the kernel may take at any moment; LazyFree
    std::uint64_t held = 0;        // bytes that the program had asked for and not put back

    [[nodiscard]] std::uint64_t kept() const { return resident - lazily_free; }
};

struct phase_start {
    std::string name;
    double seconds = 0; // since the start
};

// Of getting some buffers and writing every byte of them.
struct use_cost {
    double ms = 0; // of the processor
    double page_faults = 0;
};

struct timeline {
    std::string name; // the allocator
    use_cost steady;  // in the midst of use
    use_cost first;   // the first after the silence
    std::vector<phase_start> phases;
    std::vector<memory_sample> samples;

    // The one with the most resident. There must be samples.
    [[nodiscard]] const memory_sample& peak() const;
    // The last one of a phase; of the whole when there is no such phase.
    [[nodiscard]] const memory_sample& last_of(const std::string& phase) const;
    // When the i-th phase ends.
    [[nodiscard]] double end_of(std::size_t i) const;
};

} // namespace bench
