// Which files the real input consists of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct input_files {
    std::vector<std::string> paths;
    std::uint64_t bytes = 0;      // in all of them
    std::uint64_t empty = 0;      // passed over: pseudo file systems call every file empty
    std::uint64_t past_limit = 0; // passed over: larger than what was left under the limit
    std::uint64_t unreadable = 0; // directories and files that could not be looked at
};

// Regular files below `directory`, as they come, symbolic links not followed, until `limit` bytes (or the
// next per mille of it) are found. Never throws for what it cannot read: counts it.
[[nodiscard]] input_files find_files(const std::string& directory, std::uint64_t limit);

} // namespace bench
