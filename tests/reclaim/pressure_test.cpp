// Who says that memory is short, and what happens then. Each in a process of its own: the sources are opened once. One
// after another: the whole system is one of the sources, and some of them make it short of memory.
// ctest: TIMEOUT 120 RESOURCE_LOCK memory_pressure

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process_memory.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

constexpr std::size_t mib = std::size_t{1} << 20;

// Nothing goes by time here.
synk::options by_pressure_only(bool keeper) {
    synk::options o;
    o.weak_after = o.gone_after = std::chrono::hours(1);
    o.keeper = keeper;
    return o;
}

void put_some(std::size_t bytes) {
    std::vector<synk::bytes> blocks;
    for (std::size_t sum = 0; sum < bytes; sum += mib) blocks.push_back(synk::get_sized_pool().get_sized(mib));
}

bool readable(int fd, milliseconds within = {}) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(within.count())) == 1;
}

class pressure : public testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/synk_pressure_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        ASSERT_EQ(::mkfifo(fifo().c_str(), 0600), 0);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string fifo() const { return folder_ / "fifo"; }
    [[nodiscard]] std::string path(const char* name) const { return folder_ / name; }

    static void watch(const std::string& what) { ::setenv("MEMORY_PRESSURE_WATCH", what.c_str(), 1); }
    // As the other end of the FIFO does.
    static void tell(const std::string& name) {
        const int fd = ::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        require(fd >= 0 && ::write(fd, "!", 1) == 1, "the FIFO takes the word");
        ::close(fd);
    }

    template <class Body>
    static void expect_in_a_new_process(Body body) {
        EXPECT_TRUE(ends_well(in_child(body)));
    }

private:
    std::filesystem::path folder_;
};

TEST_F(pressure, by_a_fifo_makes_the_keeper_give_everything_back) {
    expect_in_a_new_process([this] {
        watch(fifo());
        synk::configure(by_pressure_only(true));
        for (int i = 0; i < 3; ++i) { // and not only once
            put_some(32 * mib);
            std::this_thread::sleep_for(milliseconds(300));
            require(synk::stats().idle == 32 * mib, "without pressure it stays");
            tell(fifo());
            require(comes_true([] { return synk::stats().idle == 0; }, milliseconds(2000)), "all of it goes");
        }
    });
}

TEST_F(pressure, by_a_fifo_is_for_an_event_loop_too) {
    expect_in_a_new_process([this] {
        watch(fifo());
        synk::configure(by_pressure_only(false));
        const int fd = synk::pressure_fd();
        require(fd >= 0, "there is a descriptor");
        require(synk::pressure_fd() == fd, "always the same");
        put_some(32 * mib);
        require(!readable(fd), "no pressure yet");
        for (int i = 0; i < 3; ++i) {
            tell(fifo());
            require(readable(fd), "the loop is woken");
            put_some(32 * mib);
            require(synk::on_pressure() == 32 * mib, "it says how much went");
            require(synk::stats().idle == 0, "everything");
            require(!readable(fd), "and the loop may sleep again");
        }
    });
}

TEST_F(pressure, by_a_socket) {
    expect_in_a_new_process([this] {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path("socket").c_str());
        const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "bind");
        require(::listen(listener, 1) == 0, "listen");
        watch(path("socket"));
        ::setenv("MEMORY_PRESSURE_WRITE", "aGVsbG8=", 1);
        synk::configure(by_pressure_only(false));
        const int fd = synk::pressure_fd();
        const int peer = ::accept(listener, nullptr, nullptr);
        char word[6] = {};
        require(::read(peer, word, 5) == 5 && std::strcmp(word, "hello") == 0, "what MEMORY_PRESSURE_WRITE encodes");
        put_some(8 * mib);
        require(::write(peer, "!", 1) == 1, "the other end speaks");
        require(readable(fd, milliseconds(1000)), "the loop is woken");
        require(synk::on_pressure() == 8 * mib, "it goes");
        ::close(peer);
        require(readable(fd, milliseconds(1000)), "the end is seen");
        static_cast<void>(synk::on_pressure());
        require(!readable(fd), "once");
    });
}

TEST_F(pressure, is_not_watched_when_told_so) {
    expect_in_a_new_process([] {
        watch("/dev/null");
        require(synk::pressure_fd() == -1, "no descriptor");
        put_some(8 * mib);
        require(synk::stats().idle != 0, "the pool works");
    });
}

TEST_F(pressure, from_what_cannot_be_watched_is_no_error) {
    for (const std::string& what :
         {path("nothing"), std::string("/"), std::string(3000, 'x'), std::string("/etc/passwd")})
        expect_in_a_new_process([&] {
            watch(what);
            synk::configure(by_pressure_only(true));
            static_cast<void>(synk::pressure_fd());
            put_some(8 * mib);
            require(synk::on_pressure() != 0 || synk::trim() != 0, "the pool works");
        });
}

TEST_F(pressure, is_armed_by_what_the_environment_encodes) {
    expect_in_a_new_process([this] {
        watch(fifo());
        ::setenv("MEMORY_PRESSURE_WRITE", "c29tZSAxNTAwMDAgMjAwMDAwMAA=", 1);
        const int other_end = ::open(fifo().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        require(synk::pressure_fd() >= 0, "there is a descriptor");
        char text[64] = {};
        require(::read(other_end, text, sizeof(text)) == 20, "as long as it says");
        require(std::strcmp(text, "some 150000 2000000") == 0, "what it says");
    });
}

TEST_F(pressure, needs_no_arming) {
    expect_in_a_new_process([this] {
        watch(fifo());
        ::setenv("MEMORY_PRESSURE_WRITE", "", 1);
        synk::configure(by_pressure_only(false));
        put_some(8 * mib);
        require(synk::pressure_fd() >= 0, "there is a descriptor");
        tell(fifo());
        require(readable(synk::pressure_fd()), "an empty text arms nothing and hinders nothing");
    });
}

TEST_F(pressure, reaches_parent_and_child_after_a_fork) {
    expect_in_a_new_process([this] {
        watch(fifo());
        synk::configure(by_pressure_only(true));
        put_some(8 * mib);
        require(comes_true([] { return find_keeper().has_value(); }), "there is a keeper");
        const ending e = in_child([this] {
            put_some(64 * mib);
            put_some(8 * mib);
            std::this_thread::sleep_for(milliseconds(300));
            tell(fifo()); // one byte: the parent may be the one that reads it, so say it until we are
            require(comes_true([this] { return tell(fifo()), synk::stats().idle == 0; }, milliseconds(4000)),
                    "the child's keeper listens");
        });
        require(e.good(), e.words.c_str());
        put_some(8 * mib);
        tell(fifo());
        require(comes_true([] { return synk::stats().idle == 0; }, milliseconds(2000)), "the parent's still does");
    });
}

bool kernel_tells() {
    const int fd = ::open("/proc/pressure/memory", O_RDWR | O_CLOEXEC);
    constexpr char trigger[] = "some 150000 2000000";
    const bool armed = fd >= 0 && ::write(fd, trigger, sizeof(trigger)) > 0;
    if (fd >= 0) ::close(fd);
    return armed;
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

class pressure_stall : public pressure {
protected:
    void SetUp() override {
        pressure::SetUp();
        if (!kernel_tells()) GTEST_SKIP() << "NOT TESTED: /proc/pressure/memory cannot be written here";
        if (!cgroup_.usable()) GTEST_SKIP() << "NOT TESTED: no cgroup with a memory limit can be made here; be root";
    }
    memory_cgroup cgroup_{64 * mib};
};

TEST_F(pressure_stall, makes_the_keeper_give_everything_back) {
    expect_in_a_new_process([this] {
        synk::configure(by_pressure_only(true));
        put_some(32 * mib);
        std::this_thread::sleep_for(milliseconds(300));
        require(synk::stats().idle == 32 * mib, "without pressure it stays");
        const stalling_process one(cgroup_), other(cgroup_);
        require(comes_true([] { return synk::stats().idle == 0; }, milliseconds(8000)), "all of it goes");
    });
}

TEST_F(pressure_stall, wakes_an_event_loop) {
    expect_in_a_new_process([this] {
        synk::configure(by_pressure_only(false));
        const int fd = synk::pressure_fd();
        require(fd >= 0, "there is a descriptor");
        put_some(32 * mib);
        const stalling_process one(cgroup_), other(cgroup_);
        require(readable(fd, milliseconds(8000)), "the loop is woken");
        require(synk::on_pressure() == 32 * mib, "all of it goes");
    });
}

} // namespace
