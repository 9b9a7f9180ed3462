// Who is measured: synk's ways, the C library, what the standard library offers, and the allocators that are installed
// on this machine. Each runs in a process of its own (child.hpp), so that none can disturb another.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct allocator {
    std::string name;
    std::string row;         // what the process calls: the name of a row of rows.hpp
    std::string library;     // path of what is preloaded; empty for none
    std::string environment; // one more NAME=value for the process; empty for none
    std::string get;         // of the row "own": the library's functions with the signatures of malloc
    std::string put;         // and free
};

// For memory over time: synk and glibc first. jemalloc is there a second time, with the thread that its manual offers
// for giving memory back while the program calls nothing: no other one has such a setting.
[[nodiscard]] std::vector<allocator> find_allocators();

// `rows` of rows.hpp by their names, then glibc and the peers, each as it is shipped.
[[nodiscard]] std::vector<allocator> find_contenders(std::span<const std::string_view> rows);

// Which way was taken for each that comes from a library, for a table's notes.
[[nodiscard]] std::vector<std::string> describe(const std::vector<allocator>& all);

// Neither one of synk's ways nor the floor: what somebody would use instead.
[[nodiscard]] bool is_peer(std::string_view name);

} // namespace bench
