#include "pool_goals.hpp"

#include <thread>

#include <fmt/format.h>

#include "compare.hpp"
#include "judge.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

constexpr double hot_limit = 1.5;      // x floor
constexpr double tiers_limit = 1.5;    // x the fastest tier
constexpr double workers_limit = 1.05; // x the best peer: their work is the same, and as much as this is noise
constexpr double share_limit = 1;      // percent
constexpr double two_limit = 1.9 / 2;  // x one thread: 1.9 x its work
constexpr double many_limit = 0.9;     // x two threads
constexpr double hand_limit = 2;       // x the bare hand-over
constexpr double burst_limit = 2;      // x floor
constexpr double fault_limit = 0.01;   // a burst
constexpr double waste_limit = 1.10;   // x what was asked for
constexpr double touch_limit = 0.4;    // x glibc
constexpr double growth_limit = 1.5;   // x with little in the pool

goal hot_pairs(const std::vector<table>& tables) {
    judge j("hot", fmt::format("hot pair: at most {} x floor at every size", hot_limit), bound::at_most, hot_limit);
    if (const table* t = find(tables, "hot"))
        for (const auto& size : t->groups())
            j.add(t->find(size, "sized", "ns_per_pair"), t->find(size, "floor", "ns_per_pair"), "at " + size);
    return j.result();
}

goal even_tiers(const std::vector<table>& tables) {
    judge j("tiers", fmt::format("hot pair: no tier takes more than {} x the fastest one", tiers_limit), bound::at_most,
            tiers_limit);
    const table* const t = find(tables, "hot");
    if (t == nullptr) return j.result();
    const series* fastest = nullptr;
    for (const auto& size : t->groups()) {
        const series* const s = t->find(size, "sized", "ns_per_pair");
        if (fastest == nullptr || s->median() < fastest->median()) fastest = s;
    }
    for (const auto& size : t->groups())
        if (size != size_name(8 * mib)) j.add(t->find(size, "sized", "ns_per_pair"), fastest, "at " + size);
    return j.result();
}

void add_against_peer(judge& j, const table& t, const result_row& row) {
    const rival best = best_peer(t, row.group, t.compared);
    j.add(t.find(row.group, row.name, t.compared), best.values,
          fmt::format("{}: {}{}{}, {}", best.name, t.title, row.group.empty() ? "" : ", ", row.group, row.name));
}

goal ahead_of_peers(const std::vector<table>& tables) {
    judge j("ahead", "ahead of every peer: at most 1 x the best one's figure, in every row", bound::at_most, 1);
    for (const table& t : tables)
        if (!t.compared.empty() && t.id != "concurrent")
            for (const auto& row : t.rows)
                if (is_synk(row.name)) add_against_peer(j, t, row);
    return j.result();
}

goal workers_ahead(const std::vector<table>& tables) {
    judge j("workers ahead", fmt::format("workers: at most {} x the best peer's time for the same work", workers_limit),
            bound::at_most, workers_limit);
    if (const table* t = find(tables, "concurrent"))
        for (const auto& row : t->rows)
            if (is_synk(row.name)) add_against_peer(j, *t, row);
    return j.result();
}

goal share_of_work(const std::vector<table>& tables) {
    judge j("share",
            fmt::format("get and put: at most {} % of the workers' time, with one to a processor", share_limit),
            bound::at_most, share_limit);
    if (const table* t = find(tables, "concurrent"))
        for (const auto& group : t->groups())
            if (std::stoul(group) <= std::thread::hardware_concurrency())
                for (const char* pool : {"unsized", "sized"})
                    j.add(t->find(group, pool, "share_percent"), fmt::format("%, {}, {}", pool, group));
    return j.result();
}

// Of the processor's time for a pair, so as if each thread had a processor of its own, as far as there are so many.
goal scaling(const std::vector<table>& tables, const char* id, unsigned from, unsigned to, double limit) {
    judge j(id,
            fmt::format("a pair takes at least {} x as long with {} thread{} as with {}", limit, from,
                        from == 1 ? "" : "s", to),
            bound::at_least, limit);
    if (const table* t = find(tables, "threads"))
        for (const char* sizes : {"32 KiB", "random to 4 MiB", "mixed tiers", "a tier each"})
            j.add(t->find(threads_group(sizes, from), "sized", "ns_per_pair"),
                  t->find(threads_group(sizes, to), "sized", "ns_per_pair"), sizes);
    return j.result();
}

goal against_floor(const std::vector<table>& tables, const char* id, const char* table_id, double limit) {
    judge j(id, fmt::format("{}: at most {} x the floor", id, limit), bound::at_most, limit);
    if (const table* t = find(tables, table_id))
        for (const auto& group : t->groups())
            j.add(t->find(group, "sized", t->compared), floor_of(*t, group, t->compared).values, group);
    return j.result();
}

goal no_faults(const std::vector<table>& tables) {
    judge j("burst faults", fmt::format("bursts: no page fault once warm (at most {} a burst)", fault_limit),
            bound::at_most, fault_limit);
    if (const table* t = find(tables, "bursts"))
        for (const auto& group : t->groups())
            j.add(t->find(group, "sized", "faults_per_burst"), "page faults a burst, " + group);
    return j.result();
}

goal waste(const std::vector<table>& tables) {
    judge j("waste", fmt::format("waste: at most {} x what was asked for is ever resident", waste_limit),
            bound::at_most, waste_limit);
    if (const table* t = find(tables, "waste")) j.add(t->find("", "sized", "ratio"), "x what was asked for");
    return j.result();
}

goal first_touch(const std::vector<table>& tables) {
    judge j("touch", fmt::format("first touch of 4 MiB: at most {} x glibc's time", touch_limit), bound::at_most,
            touch_limit);
    if (const table* t = find(tables, "touch"))
        j.add(t->find("", "sized", "us_per_buffer"), t->find("", "glibc", "us_per_buffer"), "glibc");
    return j.result();
}

goal growth(const std::vector<table>& tables) {
    judge j("growth", fmt::format("growth: no path takes more than {} x as long with much in the pool", growth_limit),
            bound::at_most, growth_limit);
    if (const table* t = find(tables, "growth"))
        for (const bool lent : {true, false})
            for (const auto& path : t->columns)
                j.add(t->find(growth_group(lent, true), "sized", path.key),
                      t->find(growth_group(lent, false), "sized", path.key),
                      fmt::format("{}, {}", path.unit, lent ? "lent" : "idle"));
    return j.result();
}

} // namespace

std::vector<goal> check_pool_goals(const std::vector<table>& tables) {
    return {ahead_of_peers(tables),
            workers_ahead(tables),
            hot_pairs(tables),
            even_tiers(tables),
            share_of_work(tables),
            scaling(tables, "two threads", 1, 2, two_limit),
            scaling(tables, "many threads", 2, 32, many_limit),
            against_floor(tables, "hand-over", "handover", hand_limit),
            against_floor(tables, "bursts", "bursts", burst_limit),
            no_faults(tables),
            waste(tables),
            first_touch(tables),
            growth(tables)};
}

} // namespace bench
