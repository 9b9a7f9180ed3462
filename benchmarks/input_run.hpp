// One way's reading of all files, in a process of its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "input_ways.hpp"

namespace bench {

// What a way found in one file. The stamp tells whether the file itself changed between two readings.
struct file_report {
    contents read;
    std::int64_t modified_ns = 0;
    std::uint64_t length = 0;
    bool unreadable = false; // gone, refused, or no regular file any more
    bool unsettled = false;  // changed while it was being read

    [[nodiscard]] bool same_file(const file_report& other) const {
        return !unsettled && !other.unsettled && modified_ns == other.modified_ns && length == other.length;
    }
    [[nodiscard]] bool same_contents(const file_report& other) const {
        return read.bytes == other.read.bytes && read.digest == other.read.digest;
    }
};

struct input_report {
    double seconds = 0;
    std::uint64_t page_faults = 0;
    std::uint64_t peak_bytes = 0;   // most resident at one time, the process itself included
    std::uint64_t before_bytes = 0; // the same before the first file was read
    std::vector<file_report> files; // one for each path
};

// Forks, reads every path in the child, and brings back what the child found. Call it while the process has
// one thread. Throws std::runtime_error when the child did not end well.
[[nodiscard]] input_report read_all(const way& how, std::span<const std::string> paths);

} // namespace bench
