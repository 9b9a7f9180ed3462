// What the kernel says about this process: its memory and its threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <sys/resource.h>

namespace synk_test {

// Bytes.
struct process_memory {
    std::size_t resident = 0;
    std::size_t lazily_free = 0; // of it: what the kernel may take at any moment
    [[nodiscard]] std::size_t held() const { return resident - lazily_free; }
};

inline process_memory memory_now() {
    std::ifstream file("/proc/self/smaps_rollup");
    process_memory m;
    std::string word;
    std::size_t kilobytes = 0;
    while (file >> word) {
        if (word == "Rss:" && file >> kilobytes) m.resident = kilobytes * 1024;
        if (word == "LazyFree:" && file >> kilobytes) m.lazily_free = kilobytes * 1024;
    }
    return m;
}

inline long page_faults() {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    return use.ru_minflt + use.ru_majflt;
}

// A line of a status file of procfs.
inline std::string status_line(const std::filesystem::path& file, const std::string& key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(key + ":")) return line.substr(key.size() + 1);
    return "";
}

// The folder in procfs of the library's own thread, if there is one.
inline std::optional<std::filesystem::path> find_keeper() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        if (std::getline(std::ifstream(task.path() / "comm"), name) && name == "synk-keeper") return task.path();
    }
    return std::nullopt;
}

// Waits until `condition` holds, ten seconds at most; returns whether it does.
template <class Condition>
[[nodiscard]] bool comes_true(Condition condition, std::chrono::milliseconds within = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

} // namespace synk_test
