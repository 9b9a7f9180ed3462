#include "progress.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace bench {

progress::progress(unsigned tables) : tables_(tables), terminal_(::isatty(STDERR_FILENO) == 1) {}

void progress::step(std::string_view table, std::string_view what) {
    if (terminal_) {
        fmt::print(stderr, "\r\033[K[{:3.0f} s] table {}/{}, {}: {}", seconds(), current_, tables_, table, what);
        std::fflush(stderr);
    } else if (!announced_) {
        fmt::print(stderr, "[{:3.0f} s] table {}/{}, {}\n", seconds(), current_, tables_, table);
        announced_ = true;
    }
}

void progress::done(std::string_view table) {
    if (terminal_)
        fmt::print(stderr, "\r\033[K[{:3.0f} s] table {}/{}, {}: done\n", seconds(), current_, tables_, table);
    ++current_;
    announced_ = false;
}

} // namespace bench
