// Memory over time as a picture, drawn by gnuplot.
#pragma once

#include <string>
#include <vector>

#include "memory_timeline.hpp"

namespace bench {

// Draws one strip for each timeline into `path`, an SVG file, and leaves the drawing's source beside it (FILE.gnuplot).
// Returns what to tell the user: the path, or why there is no picture.
[[nodiscard]] std::string draw_picture(const std::vector<timeline>& timelines, const std::string& path);

} // namespace bench
