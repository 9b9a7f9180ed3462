#include "gnuplot.hpp"

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "process.hpp"

namespace bench {

std::string run_gnuplot(const std::string& script_path) {
    try {
        const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        process gnuplot("gnuplot", {script_path}, nothing);
        ::close(nothing);
        return gnuplot.wait();
    } catch (const std::exception& e) {
        return e.what();
    }
}

std::string draw_svg(const std::string& script, const std::string& scratch) {
    const std::string script_path = scratch + ".gnuplot";
    const std::string svg_path = scratch + ".svg";
    std::ofstream(script_path) << fmt::format("set output '{}'\n", svg_path) << script;
    std::string svg;
    if (run_gnuplot(script_path).empty()) {
        std::ifstream file(svg_path);
        svg.assign(std::istreambuf_iterator<char>(file), {});
    }
    std::error_code ignored;
    std::filesystem::remove(script_path, ignored);
    std::filesystem::remove(svg_path, ignored);
    return svg;
}

} // namespace bench
