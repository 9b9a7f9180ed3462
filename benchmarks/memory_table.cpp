#include "memory_table.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "memory_run.hpp"
#include "sizes.hpp"

namespace bench {
namespace {

constexpr unsigned most_rounds = 2; // each takes 20 s

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

// In the order of the columns.
std::vector<double> values_of(const memory_report& r) {
    const memory_sample& peak = r.over_time.peak();
    const memory_sample& quiet = r.over_time.last_of(phase::silence);
    return {as_mib(peak.resident),
            as_mib(quiet.resident),
            percent(quiet.resident, peak.resident),
            as_mib(quiet.kept()),
            percent(quiet.kept(), peak.resident),
            r.over_time.steady.ms,
            r.over_time.steady.page_faults,
            r.over_time.first.ms,
            r.over_time.first.page_faults};
}

result_row& row_named(table& t, const std::string& name) {
    const auto found = std::find_if(t.rows.begin(), t.rows.end(), [&](const auto& row) { return row.name == name; });
    if (found != t.rows.end()) return *found;
    t.rows.push_back({"", name, std::vector<series>(t.columns.size())});
    return t.rows.back();
}

void add_round(memory_result& to, memory_report r) {
    const std::string& name = r.over_time.name;
    if (!r.failure.empty() && name == "synk") throw std::runtime_error("memory over time, synk: " + r.failure);
    if (!r.failure.empty()) return to.measured.notes.push_back(fmt::format("{} is left out: {}", name, r.failure));
    const auto values = values_of(r);
    result_row& row = row_named(to.measured, name);
    for (std::size_t i = 0; i < values.size(); ++i) row.values[i].rounds.push_back(values[i]);
    to.timelines.push_back(std::move(r.over_time));
}

void measure_round(memory_result& into, const settings& s, std::span<const allocator> all,
                   const std::function<void(std::string_view)>& begins) {
    const std::uint64_t live = s.live_mib * mib;
    const std::size_t group = std::max<std::size_t>(processes_that_fit(live), 1);
    into.timelines.clear(); // the last round's stay
    while (!all.empty()) {
        const auto now = all.first(std::min(group, all.size()));
        const memory_plan plan{live, std::chrono::seconds(s.silence_s), s.seed, begins};
        for (auto& report : measure_together(now, plan)) add_round(into, std::move(report));
        all = all.subspan(now.size());
    }
}

std::vector<std::string> explain(const std::vector<allocator>& all, unsigned live_mib) {
    std::vector<std::string> notes{
        fmt::format("one process each; in every process buffers of 4 KiB to 4 MiB, {} MiB at the peak, every byte "
                    "written, all",
                    2 * live_mib),
        "put back before the silence. then = at the end of the silence; steady and first = processor time to get 64",
        "buffers of mixed sizes and write every byte of them, in the midst of use (median of 8) and as the first use",
        "after the silence"};
    for (auto& note : describe(all)) notes.push_back(std::move(note));
    return notes;
}

} // namespace

memory_result measure_memory(const settings& s, progress& shown) {
    memory_result result{empty_table(s.silence_s), {}};
    const auto all = find_allocators();
    result.measured.notes = explain(all, s.live_mib);
    const bool fits = processes_that_fit(s.live_mib * mib) != 0;
    if (!fits) result.measured.notes.emplace_back("not measured: a process takes more than half of the free memory");
    const unsigned rounds = fits ? std::min(s.rounds, most_rounds) : 0;
    for (unsigned round = 1; round <= rounds; ++round)
        measure_round(result, s, all, [&](std::string_view phase) {
            shown.step(result.measured.title, fmt::format("round {}/{}: {}", round, rounds, phase));
        });
    shown.done(result.measured.title);
    return result;
}

} // namespace bench
