#include "goals.hpp"

#include <fmt/format.h>

namespace bench {
namespace {

constexpr double hot_limit = 2.5;         // x floor
constexpr double random_limit = 50;       // x faster than make
constexpr double throughput_limit = 0.85; // of two workers'

enum class bound { at_most, at_least };

// Gathers the cases of one goal; each is the ratio of two series.
class judge {
public:
    judge(std::string id, std::string text, bound side, double limit) : side_(side), limit_(limit) {
        goal_.id = std::move(id);
        goal_.text = std::move(text);
    }

    void add(const series* a, const series* b, const std::string& where) {
        if (a == nullptr || b == nullptr) return;
        const double found = ratio(*a, *b);
        const auto text = fmt::format("{:.2f} x {}", found, where);
        if (goal_.cases++ == 0 || beyond(found, worst_)) {
            worst_ = found;
            goal_.found = text;
        }
        if (beyond(found, limit_)) (mostly_beyond(*a, *b) ? goal_.misses : goal_.undecided).push_back(text);
    }
    [[nodiscard]] goal result() { return std::move(goal_); }

private:
    [[nodiscard]] bool beyond(double found, double limit) const {
        return side_ == bound::at_most ? found > limit : found < limit;
    }
    [[nodiscard]] bool mostly_beyond(const series& a, const series& b) const {
        std::size_t rounds = 0;
        for (std::size_t i = 0; i < a.rounds.size(); ++i)
            if (beyond(a.rounds[i] / b.rounds[i], limit_)) ++rounds;
        return rounds * 5 >= a.rounds.size() * 4;
    }

    bound side_;
    double limit_;
    double worst_ = 0;
    goal goal_;
};

goal hot_pairs(const std::vector<table>& tables) {
    judge j("hot", fmt::format("hot pair: at most {} x floor at every size", hot_limit), bound::at_most, hot_limit);
    if (const table* t = find(tables, "hot"))
        for (const auto& size : t->groups())
            j.add(t->find(size, "sized", "ns_per_pair"), t->find(size, "floor", "ns_per_pair"), "at " + size);
    return j.result();
}

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
                const auto* const key = t.id == "input" ? "ms" : "ns_per_op";
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
    return {hot_pairs(tables), random_sizes(tables), make_never_wins(tables), many_workers(tables)};
}

} // namespace bench
