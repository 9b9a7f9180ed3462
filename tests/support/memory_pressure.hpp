// A pool that only pressure makes give back, and memory that lies idle in it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include <poll.h>

#include <synk/pool.hpp>

#include "base/environment.hpp"
#include "support/units.hpp"

namespace synk_test {

// As if the process had been started with them. Before anybody asks for pressure.
inline void start_with(const char* variable, const std::string& value) {
    ::setenv(variable, value.c_str(), 1);
    synk::detail::copy_pressure_variables();
}

// Nothing goes by time here.
inline synk::options by_pressure_only(bool keeper) {
    synk::options o;
    o.weak_after = o.gone_after = std::chrono::hours(1);
    o.keeper = keeper;
    return o;
}

inline void put_some(std::size_t bytes) {
    std::vector<synk::bytes> blocks;
    for (std::size_t sum = 0; sum < bytes; sum += mib) blocks.push_back(synk::get_sized_pool().get_sized(mib));
}

inline bool readable(int fd, std::chrono::milliseconds within = {}) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(within.count())) == 1;
}

} // namespace synk_test
