#include "report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "allocators.hpp"
#include "compare.hpp"

namespace bench {
namespace {

// Cells of text; the first columns (labels) stand left, figures right.
class grid {
public:
    explicit grid(std::size_t labels) : labels_(labels) {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

    void print() const {
        const auto widths = measure();
        for (const auto& row : rows_) print(row, widths);
    }

private:
    [[nodiscard]] std::vector<std::size_t> measure() const {
        std::vector<std::size_t> widths(rows_.front().size());
        for (const auto& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
        return widths;
    }
    void print(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) const {
        std::string line = " ";
        for (std::size_t i = 0; i < row.size(); ++i)
            line +=
                i < labels_ ? fmt::format(" {:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
        fmt::print("{}\n", line);
    }

    std::size_t labels_;
    std::vector<std::vector<std::string>> rows_;
};

std::string ratio_to(const series& s, const rival& r) {
    return r.values == nullptr || r.values->rounds.empty() ? "-" : figure(ratio(s, *r.values));
}

// How a row stands: to the floor, to the best peer, and how far its rounds are apart.
std::vector<std::string> standing(const table& t, const std::string& group, const std::string& name) {
    const series* const s = t.find(group, name, t.compared);
    if (s == nullptr) return {"-", "-", "-", "-"};
    const rival best = best_peer(t, group, t.compared);
    return {ratio_to(*s, floor_of(t, group, t.compared)), ratio_to(*s, best), best.name,
            fmt::format("{:.0f}", spread_percent(*s))};
}
const std::vector<std::string> standing_head{"/floor", "/best peer", "which is", "spread %"};

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// A line for each row, a column for each column; the group is named once.
void print_flat(const table& t) {
    grid g(2);
    std::vector<std::string> head{"", ""};
    for (const auto& c : t.columns) head.push_back(c.unit);
    if (!t.compared.empty()) append(head, standing_head);
    g.add(head);
    std::string group;
    for (const auto& row : t.rows) {
        std::vector<std::string> cells{row.group == group ? "" : row.group, row.name};
        for (const auto& s : row.values) cells.push_back(figure(s.median()));
        if (!t.compared.empty()) append(cells, standing(t, row.group, row.name));
        g.add(cells);
        group = row.group;
    }
    g.print();
}

// Of a table with one column: a line for each group, a column for each row, and how the pool stands.
void print_matrix(const table& t) {
    grid g(1);
    const auto& key = t.columns.front().key;
    std::vector<std::string> head{t.columns.front().unit};
    for (const auto& name : t.names()) head.push_back(name);
    append(head, standing_head);
    g.add(head);
    for (const auto& group : t.groups()) {
        std::vector<std::string> cells{group};
        for (const auto& name : t.names()) cells.push_back(figure(t.find(group, name, key)->median()));
        append(cells, standing(t, group, "sized"));
        g.add(cells);
    }
    g.print();
}

void print_table(const table& t) {
    fmt::print("\n{}\n", t.title);
    if (t.columns.size() == 1)
        print_matrix(t);
    else
        print_flat(t);
    for (const auto& note : t.notes) fmt::print("  {}\n", note);
}

void print_goal(const goal& g) {
    fmt::print("  {:<13} {}{}{}\n", name_of(g.is()), g.text, g.cases != 0 ? "; worst " : "", g.found);
    for (const auto& miss : g.misses) fmt::print("  {:<13}   {}\n", "", miss);
    for (const auto& open : g.undecided) fmt::print("  {:<13}   {} (undecided: the rounds disagree)\n", "", open);
}

// The missed ones first, then the undecided ones.
void print_goals(const std::vector<goal>& goals) {
    using enum goal::verdict;
    fmt::print("\ngoals\n");
    for (const auto verdict : {missed, undecided, reached, not_measured})
        for (const auto& g : goals)
            if (g.is() == verdict) print_goal(g);
}

void print_heading(const run& r) {
    for (const auto& m : r.mismatches) fmt::print("ERROR: different bytes were read: {}\n", m);
    fmt::print("\n");
    for (const auto& [name, value] : r.on) fmt::print("  {:<13} {}\n", name, value);
    fmt::print("\nmedians of {} rounds of {} ms, {:.0f} s in all; ns/op of one get and one put;\n"
               "new B/op = memory that page faults brought, in every row;\n"
               "allocs/op = calls of the allocator, of the pool: gets that needed memory from the system\n",
               r.asked.rounds, r.asked.span_ms, r.seconds);
    fmt::print(
        "every row in a process of its own, all in turn; floor = a thread's own stack of pointers for each power\n"
        "of two; the spread and the ratios of a table with many columns are sized's, of the medians\n");
    for (const auto& way : describe(find_contenders({}))) fmt::print("  {}\n", way);
}

} // namespace

void print_report(const run& r) {
    print_heading(r);
    print_goals(r.goals);
    for (const auto& t : r.tables) print_table(t);
    fmt::print("\n");
}

} // namespace bench
