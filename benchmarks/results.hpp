// What was measured: tables of rows of series. The tables fill it, the goals and the reports read it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bench {

// One value a round.
struct series {
    std::vector<double> rounds;

    [[nodiscard]] double median() const;
    [[nodiscard]] double min() const;
    [[nodiscard]] double max() const;
};

// The median of the rounds' ratios: what drifts from round to round drifts out. 0 without rounds.
[[nodiscard]] double ratio(const series& a, const series& b);

struct column {
    std::string key;  // in the JSON file
    std::string unit; // on the terminal, and in the JSON file
};

struct result_row {
    std::string group;          // what the row was measured on: "4 workers", "64 KiB"
    std::string name;           // the allocator
    std::vector<series> values; // one for each column of the table
};

struct table {
    std::string id;
    std::string title;
    std::vector<column> columns;
    std::vector<result_row> rows;
    std::vector<std::string> notes;
    std::string compared{}; // key of the column that rows are compared by, the lower the better; empty for none

    // Null when there is no such row or column.
    [[nodiscard]] const series* find(std::string_view group, std::string_view name, std::string_view key) const;
    // In the order of the rows, each once.
    [[nodiscard]] std::vector<std::string> groups() const;
    [[nodiscard]] std::vector<std::string> names() const;
};

// Null when the table was not measured.
[[nodiscard]] const table* find(const std::vector<table>& tables, std::string_view id);

} // namespace bench
