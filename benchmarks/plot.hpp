// A picture for the page: small enough for a phone, in colours that are read on light and on dark ground.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

struct curve {
    enum class style { line, area, bars };
    std::string name;
    std::string colour;
    std::vector<std::pair<double, double>> points; // x and y; of bars: x counts them
    style drawn = style::line;
};

struct plot {
    std::string title;
    std::string x_label;
    std::string y_label;
    std::vector<curve> curves;
    std::vector<std::pair<double, std::string>> x_names{}; // where something other than numbers stands
    bool log_x = false;
    bool log_y = false;
    double height = 290;
};

// The same colour in every picture.
[[nodiscard]] std::string colour_of(std::string_view row);

// An <svg> element that can stand in a page beside others, with a <title>. `number` is the picture's own in the page.
// Empty when gnuplot is not there.
[[nodiscard]] std::string draw(const plot& p, unsigned number, const std::string& scratch);

} // namespace bench
