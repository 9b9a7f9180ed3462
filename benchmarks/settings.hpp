// What the command line asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct settings {
    unsigned rounds = 5;
    unsigned span_ms = 100; // how long one row is timed in one round
    std::vector<std::string> tables{"within", "exceeds", "concurrent", "hot",    "threads", "handover",
                                    "bursts", "waste",   "touch",      "growth", "input",   "memory"};
    std::vector<unsigned> workers{1, 2, 4, 8, 16, 32};
    std::uint64_t seed = 1;
    std::string input = "/usr/share";
    unsigned input_limit_mib = 128;
    unsigned live_mib = 200; // the live set of the waste table; that of memory has half and at its peak twice as much
    unsigned silence_s = 12; // how long the processes of the memory table make no call
    std::string picture = "memory-over-time.svg";
    std::string html = "bench-report.html";
    std::string json = "bench-results.json";
    bool strict = false;

    // In nanoseconds, so that a part of it is never nothing.
    [[nodiscard]] std::chrono::nanoseconds span() const { return std::chrono::milliseconds(span_ms); }
    [[nodiscard]] bool wants(std::string_view table) const;
};

// The program's exit status; usage.txt says what each means. 3 and 4 belong to the script that builds it.
enum exit_status { done = 0, failed = 1, bad_usage = 2, goal_missed = 5 };

// Empty when the program is to go on; else its exit status (the help was printed, or what is wrong).
[[nodiscard]] std::optional<int> parse(int argc, char** argv, settings& into);

} // namespace bench
