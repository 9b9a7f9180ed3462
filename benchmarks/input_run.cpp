#include "input_run.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <type_traits>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.hpp"

namespace bench {
namespace {

// What a child leaves to its parent besides the files' reports.
struct totals {
    double seconds;
    std::uint64_t page_faults;
    std::uint64_t peak_bytes;
    std::uint64_t before_bytes;
};

static_assert(std::is_trivially_copyable_v<file_report>, "it crosses from the child in shared memory");

// Memory that child and parent see.
class shared_reports {
public:
    explicit shared_reports(std::size_t files)
        : length_(sizeof(totals) + files * sizeof(file_report)), files_(files),
          base_(::mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (base_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    }
    shared_reports(const shared_reports&) = delete;
    shared_reports& operator=(const shared_reports&) = delete;
    ~shared_reports() { ::munmap(base_, length_); }

    // So that the child's page faults are those of its reading.
    void touch_all() { std::memset(base_, 0, length_); }
    [[nodiscard]] totals& sum() const { return *static_cast<totals*>(base_); }
    [[nodiscard]] std::span<file_report> files() const { return {reinterpret_cast<file_report*>(&sum() + 1), files_}; }

private:
    std::size_t length_;
    std::size_t files_;
    void* base_;
};

std::uint64_t peak_resident() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

// Length and time of the last change; false when it is no regular file with anything in it.
bool stamp(int fd, file_report& report) {
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) return false;
    report.length = static_cast<std::uint64_t>(status.st_size);
    report.modified_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
    return true;
}

file_report unreadable_file() {
    file_report report;
    report.unreadable = true;
    return report;
}

file_report read_open_file(const way& how, int fd) {
    file_report report;
    if (!stamp(fd, report)) return unreadable_file();
    report.read = how.read(fd, report.length);
    report.unreadable = report.read.failed;
    file_report after;
    report.unsettled = !stamp(fd, after) || !after.same_file(report);
    return report;
}

// O_NONBLOCK: a file that has become a pipe since must not hold us up.
file_report read_file(const way& how, const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return unreadable_file();
    const file_report report = read_open_file(how, fd);
    ::close(fd);
    return report;
}

void read_files(const way& how, std::span<const std::string> paths, shared_reports& shared) {
    shared.touch_all();
    const auto before = peak_resident();
    const auto faults = page_faults();
    const auto start = clock::now();
    for (std::size_t i = 0; i < paths.size(); ++i) shared.files()[i] = read_file(how, paths[i]);
    const auto elapsed = clock::now() - start;
    shared.sum() = {nanoseconds(elapsed) / 1e9, page_faults() - faults, peak_resident(), before};
}

[[noreturn]] void be_the_child(const way& how, std::span<const std::string> paths, shared_reports& shared) {
    try {
        read_files(how, paths, shared);
        ::_exit(0);
    } catch (const std::exception& e) {
        fmt::print(stderr, "\n{}, {}: {}\n", how.group, how.name, e.what());
        ::_exit(1);
    }
}

void wait_for(pid_t child, const way& how) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    throw std::runtime_error(fmt::format("reading with {} ({}) ended with {} {}", how.name, how.group,
                                         WIFSIGNALED(status) ? "signal" : "status",
                                         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

} // namespace

input_report read_all(const way& how, std::span<const std::string> paths) {
    shared_reports shared(paths.size());
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) be_the_child(how, paths, shared);
    wait_for(child, how);
    const totals& sum = shared.sum();
    const auto files = shared.files();
    return {sum.seconds, sum.page_faults, sum.peak_bytes, sum.before_bytes, {files.begin(), files.end()}};
}

} // namespace bench
