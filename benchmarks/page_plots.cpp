#include "page_plots.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sizes.hpp"

namespace bench {
namespace {

// The number at the begin of a group's name: "4 KiB" is 4 KiB in bytes, "2 workers" is 2.
double number_of(const std::string& group) {
    const double number = std::stod(group);
    if (group.ends_with("KiB")) return number * kib;
    if (group.ends_with("MiB")) return number * mib;
    return number;
}

template <class F>
std::vector<curve> curves_of(const table& t, const std::vector<std::string>& groups, std::string_view key, F&& point) {
    std::vector<curve> all;
    for (const auto& name : t.names()) {
        curve c{name, colour_of(name), {}};
        for (const auto& group : groups)
            if (const series* s = t.find(group, name, key)) c.points.push_back(point(group, *s));
        if (!c.points.empty()) all.push_back(std::move(c));
    }
    return all;
}

figure_group latency(const table& t) {
    plot p{"Time of a get and a put over the size", "size", "ns (log scale)",
           curves_of(t, t.groups(), t.compared,
                     [](const auto& group, const series& s) { return std::pair(number_of(group), s.median()); })};
    for (const auto& group : t.groups()) p.x_names.emplace_back(number_of(group), group);
    p.log_x = p.log_y = true;
    return {"Latency over size", "One thread gets and puts one size again and again.", {std::move(p)}, t.names()};
}

// Per processor: what is measured beside other programs would show these otherwise.
figure_group throughput(const table& t) {
    figure_group all{"Throughput over threads",
                     "Million gets and puts in a second of one processor's time, each thread with its own buffers: a "
                     "line that stays level scales with the processors.",
                     {},
                     t.names()};
    for (const char* sizes : {"32 KiB", "random to 4 MiB", "mixed tiers", "a tier each"}) {
        std::vector<std::string> groups;
        for (const auto& group : t.groups())
            if (group.starts_with(sizes)) groups.push_back(group);
        plot p{fmt::format("Throughput over threads, {}", sizes), fmt::format("threads ({})", sizes),
               "million/s of a processor (log)",
               curves_of(t, groups, t.compared, [](const auto& group, const series& s) {
                   return std::pair(number_of(group.substr(group.find(", ") + 2)), 1e3 / s.median());
               })};
        p.log_x = p.log_y = true;
        all.plots.push_back(std::move(p));
    }
    return all;
}

figure_group work(const table& t) {
    plot p{"Work done over workers", "workers", "thousand jobs/s of a processor",
           curves_of(t, t.groups(), t.compared,
                     [](const auto& group, const series& s) { return std::pair(number_of(group), 1e6 / s.median()); })};
    p.log_x = true;
    return {"Workers that compute on their buffers",
            "Jobs done in a second of one processor's time, over the number of workers.",
            {std::move(p)},
            t.names()};
}

// One bar a row.
plot bars(const std::string& title, const std::string& unit,
          const std::vector<std::pair<std::string, double>>& values) {
    plot p{title, "", unit, {}};
    for (const auto& [name, value] : values) {
        const auto x = static_cast<double>(p.x_names.size());
        p.curves.push_back({name, colour_of(name), {{x, value}}, curve::style::bars});
        p.x_names.emplace_back(x, name);
    }
    return p;
}

plot bars_of(const table& t, const std::string& group, const std::string& key, const std::string& title,
             const std::string& unit) {
    std::vector<std::pair<std::string, double>> values;
    for (const auto& name : t.names())
        if (const series* s = t.find(group, name, key)) values.emplace_back(name, s->median());
    return bars(title, unit, values);
}

void add_faults(figure_group& to, const std::vector<table>& tables) {
    if (const table* t = find(tables, "bursts"))
        to.plots.push_back(bars_of(*t, "64 mixed", "faults_per_burst",
                                   "Page faults of a burst of 64 mixed sizes, once warm",
                                   "faults in a warm burst of 64"));
    if (const table* t = find(tables, "memory")) {
        to.plots.push_back(bars_of(*t, "", "steady_faults", "Page faults of a use of 64 buffers, in steady use",
                                   "faults in a steady use"));
        to.plots.push_back(bars_of(*t, "", "first_faults",
                                   "Page faults of the first use of 64 buffers after the silence",
                                   "faults after the silence"));
    }
    if (const table* t = find(tables, "touch"))
        to.plots.push_back(bars_of(*t, "", "faults_per_buffer", "Page faults of 4 MiB of new memory",
                                   "faults in 4 MiB of new memory"));
}

plot memory(const timeline& t) {
    const memory_sample& quiet = t.last_of(phase::silence);
    plot p{fmt::format("{}: {:.0f} MiB after the silence, {:.0f} % of the peak; next use {:.1f} ms, {:.0f} page faults",
                       t.name, as_mib(quiet.resident), 100 * as_mib(quiet.resident) / as_mib(t.peak().resident),
                       t.first.ms, t.first.page_faults),
           "seconds",
           t.name + ", MiB",
           {}};
    curve resident{"resident", "#8fd0f5", {}, curve::style::area};
    curve kept{"not lazily free", "#0072b2", {}, curve::style::area};
    curve held{"held by the program", "#d55e00", {}};
    for (const auto& s : t.samples) {
        resident.points.emplace_back(s.seconds, as_mib(s.resident));
        kept.points.emplace_back(s.seconds, as_mib(s.kept()));
        held.points.emplace_back(s.seconds, as_mib(s.held));
    }
    p.curves = {std::move(resident), std::move(kept), std::move(held)};
    p.height = 190;
    return p;
}

figure_group memories(const std::vector<timeline>& timelines) {
    figure_group all{
        "Memory over time",
        "Buffers are used, more and more of them up to a peak, all put back; then the process makes no call of "
        "any kind, and then it uses them again. Orange: held by the program. Dark blue: resident. Light blue: "
        "resident, but the kernel may take it at any moment.",
        {},
        {}};
    for (const auto& t : timelines) all.plots.push_back(memory(t));
    return all;
}

} // namespace

std::vector<figure_group> page_plots(const run& r) {
    std::vector<figure_group> all;
    if (const table* t = find(r.tables, "hot")) all.push_back(latency(*t));
    if (const table* t = find(r.tables, "threads")) all.push_back(throughput(*t));
    if (const table* t = find(r.tables, "concurrent")) all.push_back(work(*t));
    if (!r.timelines.empty()) all.push_back(memories(r.timelines));
    figure_group faults{"Page faults", "How often the kernel had to bring memory.", {}, {}};
    add_faults(faults, r.tables);
    if (!faults.plots.empty()) all.push_back(std::move(faults));
    return all;
}

} // namespace bench
