// The pictures of the page, made of the tables and of memory over time.
#pragma once

#include <string>
#include <vector>

#include "plot.hpp"
#include "report.hpp"

namespace bench {

struct figure_group {
    std::string heading;
    std::string text;
    std::vector<plot> plots;
    std::vector<std::string> legend; // names of rows, in the colours of all pictures; empty for none
};

// Those whose table was measured.
[[nodiscard]] std::vector<figure_group> page_plots(const run& r);

} // namespace bench
