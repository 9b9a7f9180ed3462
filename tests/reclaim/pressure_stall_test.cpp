// Another process stalls for memory, and the kernel tells the whole system. Alone on the machine: every pool on it
// would hear of it and give back what other tests want to find idle.
// ctest: RUN_SERIAL TRUE TIMEOUT 120

#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_cgroup.hpp"
#include "support/memory_pressure.hpp"
#include "support/process_memory.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

bool kernel_tells() {
    const int fd = ::open("/proc/pressure/memory", O_RDWR | O_CLOEXEC);
    constexpr char trigger[] = "some 150000 2000000";
    const bool armed = fd >= 0 && ::write(fd, trigger, sizeof(trigger)) > 0;
    if (fd >= 0) ::close(fd);
    return armed;
}

// How long anybody has stalled so far.
std::chrono::microseconds stalled() {
    std::ifstream file("/proc/pressure/memory");
    std::string first;
    std::getline(file, first);
    const auto total = first.rfind('=');
    return std::chrono::microseconds(total != std::string::npos ? std::stoll(first.substr(total + 1)) : 0);
}

// Nobody stalls any more, as the processes of the test before this one did.
bool is_quiet() {
    const auto before = stalled();
    std::this_thread::sleep_for(milliseconds(500));
    return stalled() - before < milliseconds(10);
}

// A process that stalls for memory in its small cgroup: it writes three times as much as fits, all of it free to take.
class stalling_process {
public:
    explicit stalling_process(const memory_cgroup& where) : id_(::fork()) {
        if (id_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        require(where.enter(), "the cgroup can be entered");
        constexpr std::size_t piece = 8 * mib, all = 24 * piece;
        auto* const memory = static_cast<char*>(
            ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        ::madvise(memory, all, MADV_NOHUGEPAGE);
        for (std::size_t at = 0;; at = (at + piece) % all) {
            std::memset(memory + at, 1, piece);
            ::madvise(memory + at, piece, MADV_FREE);
        }
    }
    stalling_process(const stalling_process&) = delete;
    stalling_process& operator=(const stalling_process&) = delete;
    ~stalling_process() {
        ::kill(id_, SIGKILL);
        static_cast<void>(status_of(id_));
    }

private:
    pid_t id_;
};

class pressure_stall : public testing::Test {
protected:
    void SetUp() override {
        if (!kernel_tells()) GTEST_SKIP() << "NOT TESTED: /proc/pressure/memory cannot be written here";
        if (!cgroup_.usable()) GTEST_SKIP() << "NOT TESTED: no cgroup with a memory limit can be made here; be root";
        ASSERT_TRUE(comes_true(is_quiet, milliseconds(20000))) << "others stall for memory all the time";
    }
    memory_cgroup cgroup_{64 * mib};
};

TEST_F(pressure_stall, makes_the_keeper_give_everything_back) {
    EXPECT_TRUE(ends_well(in_child([this] {
        synk::configure(by_pressure_only(true));
        put_some(32 * mib);
        std::this_thread::sleep_for(milliseconds(300));
        require(synk::stats().idle == 32 * mib, "without pressure it stays");
        const stalling_process one(cgroup_), other(cgroup_);
        require(comes_true([] { return synk::stats().idle == 0; }, milliseconds(8000)), "all of it goes");
    })));
}

TEST_F(pressure_stall, wakes_an_event_loop) {
    EXPECT_TRUE(ends_well(in_child([this] {
        synk::configure(by_pressure_only(false));
        const int fd = synk::pressure_fd();
        require(fd >= 0, "there is a descriptor");
        put_some(32 * mib);
        const stalling_process one(cgroup_), other(cgroup_);
        require(readable(fd, milliseconds(8000)), "the loop is woken");
        require(synk::on_pressure() == 32 * mib, "all of it goes");
    })));
}

} // namespace
