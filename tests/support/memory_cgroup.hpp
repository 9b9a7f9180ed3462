// A control group with a limit on memory, for a child that may be killed in it. Version 1 or 2, whichever has the
// memory controller; wants the right to make one (root).
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace synk_test {

class memory_cgroup {
public:
    explicit memory_cgroup(std::size_t limit) {
        usable_ = make("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", limit) ||
                  make("/sys/fs/cgroup", "memory.max", "memory.swap.max", limit) ||
                  make("/sys/fs/cgroup/unified", "memory.max", "memory.swap.max", limit);
    }
    memory_cgroup(const memory_cgroup&) = delete;
    memory_cgroup& operator=(const memory_cgroup&) = delete;
    // The kernel may need a moment until it knows that the last process has left.
    ~memory_cgroup() {
        for (int i = 0; i < 100 && usable_ && ::rmdir(folder_.c_str()) != 0; ++i) ::usleep(20'000);
        if (usable_) await_calm();
    }

    [[nodiscard]] bool usable() const { return usable_; }
    // The calling process is in it from now on; false when it is not.
    [[nodiscard]] bool enter() const { return write("cgroup.procs", "0"); }
    // Processes that were killed in it because memory was short.
    [[nodiscard]] int kills() const { return count_in("memory.oom_control") + count_in("memory.events"); }

private:
    bool make(const std::filesystem::path& root, const char* limit_file, const char* swap_file, std::size_t limit) {
        if (!std::filesystem::exists(root / "cgroup.procs")) return false;
        folder_ = root / ("synk_test_" + std::to_string(::getpid()));
        static_cast<void>(std::ofstream(root / "cgroup.subtree_control") << "+memory" << std::flush);
        std::error_code refused;
        std::filesystem::create_directory(folder_, refused);
        if (refused) return false;
        if (write(limit_file, std::to_string(limit))) {
            // Version 1 counts memory and swap together; systems without swap have neither file.
            static_cast<void>(write(swap_file, limit_file == std::string("memory.max") ? "0" : std::to_string(limit)));
            return true;
        }
        ::rmdir(folder_.c_str());
        return false;
    }
    [[nodiscard]] bool write(const char* file, const std::string& text) const {
        std::ofstream out(folder_ / file);
        return static_cast<bool>(out << text << std::flush);
    }
    // How long some process of the system has waited for memory; microseconds.
    [[nodiscard]] static long stalled() {
        std::ifstream in("/proc/pressure/memory");
        for (std::string word; in >> word;)
            if (word.starts_with("total=")) return std::stol(word.substr(6));
        return 0;
    }
    // The kernel counts stalls five times in a window of two seconds: a pool that begins to listen within such a fifth
    // would hear of ours, and give back what the next test wants to find idle.
    static void await_calm() {
        constexpr long little = 5'000; // microseconds
        for (int i = 0; i < 20; ++i) {
            const long before = stalled();
            ::usleep(500'000);
            if (stalled() - before < little) return;
        }
    }
    [[nodiscard]] int count_in(const char* file) const {
        std::ifstream in(folder_ / file);
        std::string key;
        for (int number = 0; in >> key >> number;)
            if (key == "oom_kill") return number;
        return 0;
    }

    std::filesystem::path folder_;
    bool usable_ = false;
};

} // namespace synk_test
