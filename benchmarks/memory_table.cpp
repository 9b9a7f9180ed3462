#include "memory_table.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "memory_run.hpp"
#include "sizes.hpp"

namespace bench {
namespace {

double as_mib(std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(mib); }
double percent(std::uint64_t part, std::uint64_t whole) {
    return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

table empty_table(unsigned silence_s) {
    table t{"memory", fmt::format("memory over time, with {} s of silence", silence_s), {}, {}, {}};
    t.columns = {{memory_key::peak_mib, "peak MiB"}, {"quiet_mib", "then MiB"},
                 {"quiet_percent", "% of peak"},     {memory_key::kept_mib, "not lazily free MiB"},
                 {"kept_percent", "% of peak"},      {memory_key::steady_ms, "steady ms"},
                 {"steady_faults", "page faults"},   {memory_key::first_ms, "first ms"},
                 {"first_faults", "page faults"}};
    return t;
}

// The median of the steady uses, as the table shows it.
template <class T>
double median(const std::vector<answer>& uses, T answer::*what) {
    series all;
    for (const answer& a : uses) all.rounds.push_back(static_cast<double>(a.*what));
    return all.median();
}

result_row row_of(const memory_report& r) {
    const memory_sample& peak = r.over_time.peak();
    const memory_sample& quiet = r.over_time.last_of(phase::silence);
    result_row row{"", r.over_time.name, {}};
    for (const double value :
         {as_mib(peak.resident), as_mib(quiet.resident), percent(quiet.resident, peak.resident), as_mib(quiet.kept()),
          percent(quiet.kept(), peak.resident), median(r.steady, &answer::ms), median(r.steady, &answer::page_faults),
          r.first.ms, static_cast<double>(r.first.page_faults)})
        row.values.push_back({{value}});
    return row;
}

void add(memory_result& to, memory_report r) {
    const std::string& name = r.over_time.name;
    if (!r.failure.empty() && name == "synk") throw std::runtime_error("memory over time, synk: " + r.failure);
    if (!r.failure.empty()) return to.measured.notes.push_back(fmt::format("{} is left out: {}", name, r.failure));
    to.measured.rows.push_back(row_of(r));
    to.timelines.push_back(std::move(r.over_time));
}

void measure_in_groups(memory_result& into, const settings& s, const std::vector<allocator>& all, std::size_t group,
                       progress& shown) {
    std::span<const allocator> rest = all;
    while (!rest.empty()) {
        const auto now = rest.first(std::min(group, rest.size()));
        const memory_plan plan{std::chrono::seconds(s.silence_s), s.seed, [&](std::string_view phase) {
                                   shown.step(into.measured.title, fmt::format("{} ({} processes)", phase, now.size()));
                               }};
        for (auto& report : measure_together(now, plan)) add(into, std::move(report));
        rest = rest.subspan(now.size());
    }
}

std::vector<std::string> describe(const std::vector<allocator>& all) {
    std::vector<std::string> notes{
        "one process each: synk's sized pool, and malloc with what is preloaded in its place; in every process",
        "buffers of 4 KiB to 4 MiB, 400 MiB at the peak, every byte written, all put back before the silence",
        "then = at the end of the silence; steady and first = to get 64 buffers of mixed sizes and write every",
        "byte of them, in the midst of use (median of 8) and right after the silence (once: not repeated)"};
    for (const allocator& a : all)
        if (!a.library.empty())
            notes.push_back(
                fmt::format("{}: {}{}{}", a.name, a.library, a.environment.empty() ? "" : ", ", a.environment));
    return notes;
}

} // namespace

memory_result measure_memory(const settings& s, progress& shown) {
    memory_result result{empty_table(s.silence_s), {}};
    const auto all = find_allocators();
    result.measured.notes = describe(all);
    const std::size_t group = processes_that_fit();
    if (group == 0)
        result.measured.notes.emplace_back("not measured: one process would take more than half of the free memory");
    else
        measure_in_groups(result, s, all, group, shown);
    shown.done(result.measured.title);
    return result;
}

} // namespace bench
