#include "measured_process.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr timeval longest_step{120, 0}; // seconds; who answers later hangs

void close_once(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
}

// LD_PRELOAD is taken away where there is nothing to preload: glibc's row is glibc's.
std::vector<std::string> environment_of(const allocator& a) {
    std::vector<std::string> variables{"LD_PRELOAD=" + a.library};
    if (!a.environment.empty()) variables.push_back(a.environment);
    return variables;
}

} // namespace

measured_process::socket_pair::socket_pair() {
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_) != 0)
        throw std::system_error(errno, std::generic_category(), "socketpair");
    ::setsockopt(near(), SOL_SOCKET, SO_RCVTIMEO, &longest_step, sizeof longest_step);
}
measured_process::socket_pair::~socket_pair() {
    close_near();
    close_far();
}
void measured_process::socket_pair::close_near() { close_once(ends_[0]); }
void measured_process::socket_pair::close_far() { close_once(ends_[1]); }

measured_process::measured_process(const allocator& a, std::uint64_t seed)
    : name_(a.name), child_("/proc/self/exe", {child_flag, a.row, std::to_string(seed), a.library, a.get, a.put},
                            socket_.far(), environment_of(a)) {
    socket_.close_far();
}

// It ends because its socket is closed; then it is waited for.
measured_process::~measured_process() { socket_.close_near(); }

answer measured_process::carry_out(const order& o) {
    answer a;
    if (::send(socket_.near(), &o, sizeof o, MSG_NOSIGNAL) == sizeof o &&
        ::recv(socket_.near(), &a, sizeof a, 0) == sizeof a)
        return a;
    socket_.close_near();
    const auto ending = child_.wait();
    throw std::runtime_error(name_ + "'s process " + (ending.empty() ? "ended too early" : ending));
}

memory_sample measured_process::sample() const {
    std::ifstream file(fmt::format("/proc/{}/smaps_rollup", child_.id()));
    file.ignore(4096, '\n'); // the addresses
    memory_sample s;
    std::string name;
    std::string unit;
    for (std::uint64_t kilobytes; file >> name >> kilobytes >> unit;) {
        if (name == "Rss:") s.resident = kilobytes * 1024;
        if (name == "LazyFree:") s.lazily_free = kilobytes * 1024;
    }
    if (s.resident == 0) throw std::runtime_error("the system does not tell its memory (/proc/PID/smaps_rollup)");
    return s;
}

double measured_process::peak_resident() const {
    std::ifstream file(fmt::format("/proc/{}/status", child_.id()));
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024;
    throw std::runtime_error("the system does not tell its memory (/proc/PID/status)");
}

} // namespace bench
