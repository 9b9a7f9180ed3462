#include "plot.hpp"

#include <iterator>

#include <fmt/format.h>

#include "gnuplot.hpp"

namespace bench {
namespace {

constexpr double plot_width = 400;
constexpr const char* ink = "#222222";                       // in the script
constexpr std::string_view drawn_ink = "rgb( 34,  34,  34)"; // what gnuplot makes of it

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

std::string axis(const plot& p) {
    std::string script;
    auto to = std::back_inserter(script);
    if (!p.x_label.empty()) fmt::format_to(to, "set xlabel '{}' tc rgb '{}'\n", p.x_label, ink);
    fmt::format_to(to, "set ylabel '{}' tc rgb '{}'\n", p.y_label, ink);
    if (p.log_x) fmt::format_to(to, "set logscale x 2\n");
    script += p.log_y ? "set logscale y\nset format y '%g'\n" : "set yrange [0:1<*]\n";
    if (!p.x_names.empty()) {
        fmt::format_to(to, "set xtics (");
        for (std::size_t i = 0; i < p.x_names.size(); ++i)
            fmt::format_to(to, "{}'{}' {}", i == 0 ? "" : ",", p.x_names[i].second, p.x_names[i].first);
        fmt::format_to(to, ") rotate by -40 left nomirror\n");
    }
    return script;
}

std::string drawn_as(const curve& c) {
    switch (c.drawn) {
    case curve::style::area:
        return fmt::format("with filledcurves y1=0 lc rgb '{}'", c.colour);
    case curve::style::bars:
        return fmt::format("with boxes fs solid noborder lc rgb '{}'", c.colour);
    case curve::style::line:
        break;
    }
    const char* const points = c.points.size() > 60 ? "lines lw 2" : "linespoints lw 2 pt 7 ps 0.4";
    return fmt::format("with {} lc rgb '{}'", points, c.colour);
}

std::string script_of(const plot& p) {
    std::string script = fmt::format("set terminal svg size {0},{1} font 'sans-serif,12'\n"
                                     "set border 3 lc rgb '{2}'\nset tics out nomirror textcolor rgb '{2}'\n"
                                     "set grid y lc rgb '{2}' lw 0.2\nunset key\nset boxwidth 0.8\n",
                                     plot_width, p.height, ink);
    script += axis(p);
    for (std::size_t i = 0; i < p.curves.size(); ++i) {
        script += fmt::format("$c{} << END\n", i);
        for (const auto& [x, y] : p.curves[i].points) script += fmt::format("{:.6g} {:.6g}\n", x, y);
        script += "END\n";
    }
    for (std::size_t i = 0; i < p.curves.size(); ++i)
        script += fmt::format("{}$c{} using 1:2 {}", i == 0 ? "plot " : ", ", i, drawn_as(p.curves[i]));
    return script + "\n";
}

// What names things in the picture must not name them twice in the page.
std::string for_page(std::string svg, const plot& p, unsigned number) {
    svg.erase(0, svg.find("<svg"));
    replace_all(svg, drawn_ink, "currentColor");
    for (const char* name : {"gpDot", "gpPt", "gnuplot_plot_", "gnuplot_canvas"})
        replace_all(svg, name, fmt::format("p{}{}", number, name));
    const auto title = svg.find("<title>");
    const auto end = svg.find("</title>");
    if (title < end && end != std::string::npos) svg.replace(title, end - title, "<title>" + p.title);
    return svg;
}

} // namespace

std::string colour_of(std::string_view row) {
    // Okabe and Ito's colours, which nearly everybody can tell apart, and two greys.
    constexpr std::pair<std::string_view, const char*> colours[] = {
        {"sized", "#0072b2"},     {"synk", "#0072b2"},     {"unsized", "#4aa8e0"},         {"bare", "#8a6fd1"},
        {"floor", "#8a8a8a"},     {"make", "#b0a08a"},     {"bare hand-over", "#8a8a8a"},  {"glibc", "#d55e00"},
        {"mimalloc", "#009e73"},  {"jemalloc", "#cc79a7"}, {"jemalloc+thread", "#a0527a"}, {"tcmalloc", "#e69f00"},
        {"tbbmalloc", "#a6761d"}, {"pmr pool", "#5f9ea0"}};
    for (const auto& [name, colour] : colours)
        if (name == row) return colour;
    return "#8a8a8a";
}

std::string draw(const plot& p, unsigned number, const std::string& scratch) {
    const auto svg = draw_svg(script_of(p), scratch);
    return svg.empty() ? svg : for_page(svg, p, number);
}

} // namespace bench
