#include "memory_picture.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>

#include "gnuplot.hpp"
#include "sizes.hpp"

namespace bench {
namespace {

// Pixels, top to bottom: a head with title and legend, the strips, a foot with the axis.
constexpr double width = 960;
constexpr double head_height = 98;
constexpr double strip = 108;
constexpr double gap = 14;
constexpr double foot = 56;

// Blue, light blue and vermilion of Okabe and Ito's palette, which nearly everybody can tell apart.
constexpr const char* kept_colour = "#0072b2";
constexpr const char* lazily_free_colour = "#8fd0f5";
constexpr const char* held_colour = "#d55e00";
constexpr const char* text_colour = "#222222";
constexpr const char* band_colour = "#f0f0f0";

// The script grows as one text; every function adds its part.
class drawing {
public:
    drawing(const std::vector<timeline>& timelines, const std::string& path)
        : timelines_(timelines), height_(head_height + static_cast<double>(timelines.size()) * (strip + gap) + foot) {
        for (const auto& t : timelines) {
            seconds_ = std::max(seconds_, t.samples.back().seconds);
            mib_ = std::max(mib_, as_mib(t.peak().resident));
        }
        set_up(path);
        for (std::size_t i = 0; i < timelines_.size(); ++i) add_strip(i);
        add("unset multiplot\n");
    }
    [[nodiscard]] const std::string& script() const { return script_; }

private:
    template <class... T>
    void add(fmt::format_string<T...> format, T&&... values) {
        script_ += fmt::format(format, std::forward<T>(values)...);
    }

    void set_up(const std::string& path) {
        add("# Draws {0}: gnuplot FILE\n"
            "set terminal svg size {1},{2} font 'sans-serif,13' background '#ffffff'\n"
            "set output '{0}'\nset multiplot\n",
            path, width, height_);
        add("set lmargin at screen {}\nset rmargin at screen {}\n", 72 / width, 1 - 20 / width);
        add("set xrange [0:{}]\nset yrange [0:{}]\n", seconds_, std::ceil(mib_ * 1.75 / 50) * 50);
        add("set ytics 200 out nomirror\nset xtics 2 out nomirror\nset border 3 lc rgb '{0}'\nset tics textcolor rgb "
            "'{0}'\n"
            "unset key\nset style fill solid noborder\n",
            text_colour);
        add_head();
    }

    void add_text(const std::string& text, double x, double y, const char* how = "") {
        add("set label '{}' at screen {},{} {} tc rgb '{}'\n", text, x / width, 1 - y / height_, how, text_colour);
    }

    // Set for the first strip only.
    void add_head() {
        add_text("{/:Bold What a process keeps of the memory that it no longer uses}", 72, 20, "font 'sans-serif,16'");
        add_text("resident memory (MiB)", 18, head_height + (height_ - head_height - foot) / 2, "center rotate");
        add_legend(72, kept_colour, "resident");
        add_legend(172, lazily_free_colour, "resident, but the kernel may take it at any moment (lazily free)");
        add_legend(650, held_colour, "held by the program");
    }
    void add_legend(double x, const char* colour, const char* text) {
        add("set object rectangle from screen {},{} to screen {},{} fc rgb '{}' fs solid noborder front\n", x / width,
            1 - 53 / height_, (x + 16) / width, 1 - 41 / height_, colour);
        add_text(text, x + 22, 47);
    }

    void add_strip(std::size_t i) {
        const double top = head_height + static_cast<double>(i) * (strip + gap);
        add("set tmargin at screen {}\nset bmargin at screen {}\n", 1 - top / height_, 1 - (top + strip) / height_);
        const timeline& t = timelines_[i];
        add_phases(t, i == 0);
        add_words(t);
        if (i + 1 == timelines_.size())
            add("set xlabel 'time since the start of the process (seconds)' tc rgb '{}'\nset format x '%g'\n",
                text_colour);
        else
            add("set format x ''\n");
        add_curves(t, i);
        add("unset label\nunset object\n");
    }

    // Every second phase on a grey band; named above the first strip.
    void add_phases(const timeline& t, bool named) {
        for (std::size_t p = 0; p < t.phases.size(); ++p) {
            const double from = t.phases[p].seconds;
            const double to = t.end_of(p);
            if (p % 2 != 0)
                add("set object rectangle from first {},graph 0 to first {},graph 1 fc rgb '{}' fs solid noborder "
                    "behind\n",
                    from, to, band_colour);
            if (named)
                add("set label '{}' at first {},graph 1.12 center tc rgb '{}'\n", t.phases[p].name, (from + to) / 2,
                    text_colour);
        }
    }

    // The allocator's name, and in the midst of the silence what it comes to and what the next use costs.
    void add_words(const timeline& t) {
        add("set label '{{/:Bold {}}}' at graph 0.008,graph 0.88 tc rgb '{}' front\n", t.name, text_colour);
        const memory_sample& quiet = t.last_of(phase::silence);
        const double peak = as_mib(t.peak().resident);
        auto text = fmt::format("after {:.0f} s of silence {:.0f} MiB, {:.0f} % of the peak", silence_of(t),
                                as_mib(quiet.resident), 100 * as_mib(quiet.resident) / peak);
        if (100 * quiet.lazily_free > quiet.resident)
            text += fmt::format("; not lazily free {:.0f} MiB, {:.0f} %", as_mib(quiet.kept()),
                                100 * as_mib(quiet.kept()) / peak);
        add_right(text, quiet.seconds, 0.88);
        add_right(fmt::format("next use {:.1f} ms and {:.0f} page faults; in steady use {:.1f} ms and {:.0f}",
                              t.first.ms, t.first.page_faults, t.steady.ms, t.steady.page_faults),
                  quiet.seconds, 0.72);
    }

    void add_right(const std::string& text, double end, double height) {
        add("set label '{}' at first {},graph {} right tc rgb '{}' front\n", text, end - seconds_ / 100, height,
            text_colour);
    }

    static double silence_of(const timeline& t) {
        for (std::size_t p = 0; p < t.phases.size(); ++p)
            if (t.phases[p].name == phase::silence) return t.end_of(p) - t.phases[p].seconds;
        return 0;
    }

    void add_curves(const timeline& t, std::size_t i) {
        add("$t{} << END\n", i);
        for (const auto& s : t.samples)
            add("{:.3f} {:.1f} {:.1f} {:.1f}\n", s.seconds, as_mib(s.resident), as_mib(s.kept()), as_mib(s.held));
        add("END\nplot $t{0} using 1:2 with filledcurves y1=0 lc rgb '{1}', "
            "'' using 1:3 with filledcurves y1=0 lc rgb '{2}', "
            "'' using 1:4 with lines lw 2 lc rgb '{3}'\n",
            i, lazily_free_colour, kept_colour, held_colour);
    }

    const std::vector<timeline>& timelines_;
    double height_;
    double seconds_ = 0;
    double mib_ = 0;
    std::string script_;
};

} // namespace

std::string draw_picture(const std::vector<timeline>& timelines, const std::string& path) {
    const std::string script = path + ".gnuplot";
    std::ofstream file(script);
    file << drawing(timelines, path).script();
    file.close();
    if (!file) return "no picture: cannot write " + script;
    const auto failure = run_gnuplot(script);
    if (!failure.empty()) return fmt::format("no picture: {} (where gnuplot is, it draws {})", failure, script);
    return path;
}

} // namespace bench
