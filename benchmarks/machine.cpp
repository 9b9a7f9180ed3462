#include "machine.hpp"

#include <chrono>
#include <fstream>
#include <string_view>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/utsname.h>

#include <synk/version.hpp>

namespace bench {
namespace {

std::string first_line(const char* path) {
    std::string line;
    std::ifstream file(path);
    return std::getline(file, line) ? line : "unknown";
}

// The value of the first "name : value" line in a file of such lines.
std::string value_in(const char* path, std::string_view name) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || !line.starts_with(name)) continue;
        const auto value = line.find_first_not_of(" \t", colon + 1);
        return value == std::string::npos ? "unknown" : line.substr(value);
    }
    return "unknown";
}

std::string kernel() {
    utsname name{};
    if (::uname(&name) != 0) return "unknown";
    const std::string_view release = name.release; // less what its builder calls it
    return fmt::format("{} {} {}", name.sysname, release.substr(0, release.find('-')), name.machine);
}

std::string compiler() {
#if defined(__clang__)
    return fmt::format("clang {}", __clang_version__);
#else
    return fmt::format("gcc {}", __VERSION__);
#endif
}

} // namespace

machine describe_machine() {
    return {{"synk", SYNK_VERSION_STRING},
            {"processor", value_in("/proc/cpuinfo", "model name")},
            {"cores", std::to_string(std::thread::hardware_concurrency())},
            {"memory", value_in("/proc/meminfo", "MemTotal")},
            {"kernel", kernel()},
            {"libc", fmt::format("glibc {}", ::gnu_get_libc_version())},
            {"compiler", compiler()},
            {"huge pages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
            {"load before", first_line("/proc/loadavg")},
            {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                 fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())))}};
}

} // namespace bench
