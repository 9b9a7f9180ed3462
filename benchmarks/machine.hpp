// What the figures were measured on.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

// Names and values, in the order in which they are shown: processor, cores, memory, kernel, C library,
// compiler, huge pages, load, time. What the system does not tell is "unknown".
using machine = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] machine describe_machine();

} // namespace bench
