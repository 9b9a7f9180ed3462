// The program gnuplot, which draws.
#pragma once

#include <string>

namespace bench {

// Runs the script in this file. Empty when it went well, else why not: it may not be installed.
[[nodiscard]] std::string run_gnuplot(const std::string& script_path);

// What a script that sets no output draws on standard terminal `svg`. Empty when it cannot be drawn. Uses two files
// whose names begin with `scratch` and removes them.
[[nodiscard]] std::string draw_svg(const std::string& script, const std::string& scratch);

} // namespace bench
