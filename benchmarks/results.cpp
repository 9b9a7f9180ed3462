#include "results.hpp"

#include <algorithm>

namespace bench {
namespace {

double median_of(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void add_once(std::vector<std::string>& to, const std::string& what) {
    if (std::find(to.begin(), to.end(), what) == to.end()) to.push_back(what);
}

} // namespace

double series::median() const { return median_of(rounds); }
double series::min() const { return rounds.empty() ? 0 : *std::min_element(rounds.begin(), rounds.end()); }
double series::max() const { return rounds.empty() ? 0 : *std::max_element(rounds.begin(), rounds.end()); }

double ratio(const series& a, const series& b) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(a.rounds.size(), b.rounds.size()); ++i)
        ratios.push_back(a.rounds[i] / b.rounds[i]);
    return median_of(std::move(ratios));
}

const series* table::find(std::string_view group, std::string_view name, std::string_view key) const {
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const result_row& r) { return r.group == group && r.name == name; });
    const auto at = std::find_if(columns.begin(), columns.end(), [&](const column& c) { return c.key == key; });
    if (row == rows.end() || at == columns.end()) return nullptr;
    return &row->values[static_cast<std::size_t>(at - columns.begin())];
}

std::vector<std::string> table::groups() const {
    std::vector<std::string> all;
    for (const auto& row : rows) add_once(all, row.group);
    return all;
}

std::vector<std::string> table::names() const {
    std::vector<std::string> all;
    for (const auto& row : rows) add_once(all, row.name);
    return all;
}

const table* find(const std::vector<table>& tables, std::string_view id) {
    const auto found = std::find_if(tables.begin(), tables.end(), [&](const table& t) { return t.id == id; });
    return found == tables.end() ? nullptr : &*found;
}

} // namespace bench
