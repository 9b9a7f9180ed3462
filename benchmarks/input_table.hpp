// The usage patterns on real input: whole files, of unknown and of known length.
#pragma once

#include <string>
#include <vector>

#include "progress.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace bench {

struct input_result {
    table measured;
    std::vector<std::string> mismatches; // empty when every way read the same
};

// Forks for every way and round, so it must run before anything has started a thread, and with little memory
// in use: a child's peak begins at its parent's.
[[nodiscard]] input_result measure_input(const settings& s, progress& shown);

} // namespace bench
