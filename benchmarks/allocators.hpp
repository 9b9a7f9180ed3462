// The allocators whose memory is drawn: synk, the C library's, and those that are installed on this machine.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct allocator {
    std::string name;
    std::string row;         // what the measured process calls: "synk" or "malloc"
    std::string library;     // path of what is preloaded in the place of malloc; empty for none
    std::string environment; // one more NAME=value for the process; empty for none
};

// synk and glibc first.
[[nodiscard]] std::vector<allocator> find_allocators();

} // namespace bench
