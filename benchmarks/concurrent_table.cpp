#include <algorithm>

#include <fmt/format.h>

#include "fleet.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

order jobs_order(std::size_t workers, std::uint64_t jobs) {
    return {.what = order::action::workers, .bytes = jobs, .count = workers};
}

// As many jobs as one worker does in the span.
std::uint64_t jobs_for(clock::duration span, fleet& processes) {
    constexpr std::uint64_t trial = 256;
    const double ns_per_job = processes.ask("floor", jobs_order(1, trial)).front();
    return static_cast<std::uint64_t>(
        std::clamp(nanoseconds(span) / ns_per_job, 64.0, static_cast<double>(table_length)));
}

// The share of the time that get and put take, worked out of each round's own figures.
void add_shares(table& t) {
    t.columns.push_back({"share_percent", "get+put %"});
    for (auto& row : t.rows) {
        series share;
        for (std::size_t i = 0; i < row.values[1].rounds.size(); ++i)
            share.rounds.push_back(100 * row.values[1].rounds[i] / row.values[3].rounds[i]);
        row.values.push_back(std::move(share));
    }
}

} // namespace

table concurrent_table(const settings& s, progress& shown) {
    table t{"concurrent", "workers that compute on their buffers", {}, {}, {}};
    t.columns = {{"ns_per_op", "ns/op"},
                 {"ns_alloc", "ns/op_alloc"},
                 {"ns_work", "ns/op_work"},
                 {"ns_total", "ns/op_total"},
                 {"ns_processor", "processor ns/op"},
                 {"bytes_per_op", "new B/op"},
                 {"allocations_per_op", "allocs/op"}};
    t.compared = "ns_processor";
    constexpr std::string_view rows[] = {"unsized", "sized", "make", "floor"};
    fleet processes(rows, s.seed);
    const auto jobs = jobs_for(s.span(), processes);
    std::vector<contender> contenders;
    for (const unsigned workers : s.workers)
        processes.enter(contenders, fmt::format("{} worker{}", workers, workers == 1 ? "" : "s"),
                        jobs_order(workers, jobs), t.columns.size());
    run_in_turn(t, contenders, s.rounds, shown);
    add_shares(t);
    t.notes.push_back(fmt::format("{} jobs a round, the same for every row; ns/op is of the wall clock;", jobs));
    t.notes.emplace_back(
        "compared is the processor's time for a job, without that in which a thread sleeps for a lock");
    return t;
}

} // namespace bench
