// The ways to read a whole file into memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace bench {

// What one way read.
struct contents {
    std::uint64_t bytes = 0;
    std::uint64_t digest = 0;
    bool failed = false; // the system refused a read
};

inline constexpr const char* unknown_length = "unknown length";
inline constexpr const char* known_length = "known length";

struct way {
    std::string group; // unknown_length or known_length
    std::string name;  // the row
    // Reads an open file to its end. `length` is what the file system says; of unknown length, it is not
    // looked at.
    contents (*read)(int fd, std::size_t length);
};

// Of unknown length: the pool's buffer, and for the others a buffer that doubles from 4 KiB. Of known length:
// one get and one read.
[[nodiscard]] std::span<const way> input_ways();

} // namespace bench
