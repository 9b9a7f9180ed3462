#include "goals.hpp"

#include <fmt/format.h>

#include "judge.hpp"
#include "memory_goals.hpp"
#include "pool_goals.hpp"

namespace bench {
namespace {

constexpr double random_limit = 50;       // x faster than make
constexpr double throughput_limit = 0.85; // of two workers'

goal random_sizes(const std::vector<table>& tables) {
    judge j("random", fmt::format("random sizes: at least {} x faster than make", random_limit), bound::at_least,
            random_limit);
    for (const char* id : {"within", "exceeds"})
        if (const table* t = find(tables, id))
            for (const char* pool : {"unsized", "sized"})
                j.add(t->find("", "make", "ns_per_op"), t->find("", pool, "ns_per_op"),
                      fmt::format("{}, {}", pool, t->title));
    return j.result();
}

goal make_never_wins(const std::vector<table>& tables) {
    judge j("make", "no make row beats a pool row: at most 1 x its time", bound::at_most, 1);
    for (const auto& t : tables)
        for (const auto& group : t.groups())
            for (const char* pool : {"unsized", "sized"}) {
                const auto key = t.id == "input" ? std::string("ms") : t.compared;
                j.add(t.find(group, pool, key), t.find(group, "make", key),
                      fmt::format("{}, {}{}{}", pool, t.title, group.empty() ? "" : ", ", group));
            }
    return j.result();
}

goal many_workers(const std::vector<table>& tables) {
    judge j("workers", fmt::format("32 workers: at least {} x the throughput of 2", throughput_limit), bound::at_least,
            throughput_limit);
    if (const table* t = find(tables, "concurrent"))
        for (const char* pool : {"unsized", "sized"})
            j.add(t->find("2 workers", pool, "ns_per_op"), t->find("32 workers", pool, "ns_per_op"), pool);
    return j.result();
}

} // namespace

goal::verdict goal::is() const {
    if (cases == 0) return verdict::not_measured;
    if (!misses.empty()) return verdict::missed;
    return undecided.empty() ? verdict::reached : verdict::undecided;
}

const char* name_of(goal::verdict v) {
    switch (v) {
    case goal::verdict::reached:
        return "reached";
    case goal::verdict::missed:
        return "missed";
    case goal::verdict::undecided:
        return "undecided";
    case goal::verdict::not_measured:
        break;
    }
    return "not measured";
}

std::vector<goal> check_goals(const std::vector<table>& tables) {
    auto goals = check_pool_goals(tables);
    for (auto& g : {random_sizes(tables), make_never_wins(tables), many_workers(tables), quiet_memory(tables),
                    next_use(tables), no_peer_wins(tables)})
        goals.push_back(g);
    return goals;
}

} // namespace bench
