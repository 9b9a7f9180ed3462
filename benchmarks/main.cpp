// Measures synk against the floor, zeroed new memory, and the allocators that it would replace. `./bench --help` in the
// root explains it.
#include <exception>

#include <fmt/format.h>

#include "child.hpp"
#include "input_table.hpp"
#include "measure.hpp"
#include "memory_picture.hpp"
#include "memory_table.hpp"
#include "report.hpp"
#include "settings.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

// Real input first, because it forks; it is shown last.
void measure(run& r) {
    const settings& s = r.asked;
    progress shown(static_cast<unsigned>(s.tables.size()));
    input_result input;
    if (s.wants("input")) input = measure_input(s, shown);
    memory_result memory;
    if (s.wants("memory")) memory = measure_memory(s, shown);
    if (s.wants("within")) r.tables.push_back(random_table("within", 4 * mib, s, shown));
    if (s.wants("exceeds")) r.tables.push_back(random_table("exceeds", 8 * mib, s, shown));
    if (s.wants("concurrent")) r.tables.push_back(concurrent_table(s, shown));
    if (s.wants("hot")) r.tables.push_back(hot_table(s, shown));
    if (s.wants("threads")) r.tables.push_back(threads_table(s, shown));
    if (s.wants("handover")) r.tables.push_back(handover_table(s, shown));
    if (s.wants("bursts")) r.tables.push_back(burst_table(s, shown));
    if (s.wants("waste")) r.tables.push_back(waste_table(s, shown));
    if (s.wants("touch")) r.tables.push_back(touch_table(s, shown));
    if (s.wants("growth")) r.tables.push_back(growth_table(s, shown));
    if (s.wants("input")) r.tables.push_back(std::move(input.measured));
    if (s.wants("memory")) r.tables.push_back(std::move(memory.measured));
    r.timelines = std::move(memory.timelines);
    r.mismatches = std::move(input.mismatches);
}

int status_of(const run& r) {
    if (!r.mismatches.empty()) return failed;
    for (const auto& g : r.goals)
        if (r.asked.strict && g.is() == goal::verdict::missed) return goal_missed;
    return done;
}

int measure_and_report(const settings& s) {
    require_writable(s);
    const auto start = clock::now();
    run r{s, describe_machine(), 0, {}, {}, {}, {}};
    measure(r);
    r.seconds = nanoseconds(clock::now() - start) / 1e9;
    r.goals = check_goals(r.tables);
    print_report(r);
    write_json(r, s.json);
    if (!r.timelines.empty()) fmt::print("memory over time: {}\n", draw_picture(r.timelines, s.picture));
    write_page(r, s.html);
    fmt::print("the report as a page: {}\n", s.html);
    fmt::print("every round's figures: {}\n", s.json);
    return status_of(r);
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        if (const auto status = bench::be_child(argc, argv)) return *status;
        bench::settings settings;
        if (const auto status = bench::parse(argc, argv, settings)) return *status;
        return bench::measure_and_report(settings);
    } catch (const std::exception& e) {
        fmt::print(stderr, "\nerror: {}\n", e.what());
        return bench::failed;
    }
}
