// What a run leaves behind: a report on the terminal, a page for readers and a file for programs.
#pragma once

#include <string>
#include <vector>

#include "goals.hpp"
#include "machine.hpp"
#include "memory_timeline.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace bench {

struct run {
    settings asked;
    machine on;
    double seconds = 0;
    std::vector<table> tables;
    std::vector<goal> goals;
    std::vector<timeline> timelines;     // of the memory table
    std::vector<std::string> mismatches; // of the real input; not empty means the run failed
};

// On stdout: what went wrong first, then the goals, then the tables (medians over the rounds).
void print_report(const run& r);

// Whether the two below will be able to write, to be asked before the measurement: std::system_error where not.
void require_writable(const settings& s);

// Everything: settings, machine, goals, of every cell each round's value with median, min and max, and the memory
// over time. Throws std::system_error when the file cannot be written; what stood there before is then still there.
void write_json(const run& r, const std::string& path);

// One page that needs nothing else: what is missed and lost first, then pictures (where gnuplot is) and all tables, for
// a phone as for a desk. Throws std::system_error when the file cannot be written.
void write_page(const run& r, const std::string& path);

} // namespace bench
