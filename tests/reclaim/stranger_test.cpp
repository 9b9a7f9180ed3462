// A program that closes every descriptor, as daemons do, and opens its own under the same numbers: those are no
// business of the library's.

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_pressure.hpp"
#include "support/pressure_fifo.hpp"
#include "support/process_memory.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

class stranger : public pressure_fifo {
protected:
    // In a new process whose pool watches the FIFO.
    template <class Body>
    void expect_after_watching(Body body) const {
        EXPECT_TRUE(ends_well(in_child([&] {
            start_with("MEMORY_PRESSURE_WATCH", fifo());
            synk::configure(by_pressure_only(false));
            hub = synk::pressure_fd();
            require(hub >= 0, "there is a descriptor");
            body();
        })));
    }

    static void close_all() { ::closefrom(STDERR_FILENO + 1); }

    // The program's own, under every number that was the library's.
    static std::vector<int> open_own() {
        std::vector<int> own;
        while (own.size() < 8) own.push_back(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        return own;
    }
    static bool all_open(const std::vector<int>& all) {
        for (const int fd : all)
            if (::fcntl(fd, F_GETFD) < 0) return false;
        return true;
    }
    static int hub_of(const std::vector<int>& all) {
        const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
        for (const int fd : all) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.fd = fd;
            require(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "it can be watched");
        }
        return epoll;
    }
    static inline int hub = -1;
};

TEST_F(stranger, is_not_polled) {
    expect_after_watching([] {
        close_all();
        require(synk::pressure_fd() == -1, "there is no descriptor any more");
        open_own();
        require(synk::pressure_fd() == -1, "nor is another one taken for it");
        put_some(8 * mib);
        require(synk::on_pressure() == 8 * mib, "the pool works");
    });
}

// Events of a hub of the program's own: whoever waits there takes them.
TEST_F(stranger, that_is_a_hub_keeps_its_events) {
    expect_after_watching([] {
        close_all();
        std::vector<int> pipes;
        for (int i = 0; i < 8; ++i) {
            int ends[2];
            require(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && ::write(ends[1], "mine", 4) == 4, "a pipe");
            pipes.push_back(ends[0]);
        }
        const int own = hub_of(pipes);
        require(::dup2(own, hub) == hub, "the program's hub has the number");
        require(synk::on_pressure() == 0, "nothing is idle");
        char text[8];
        for (const int fd : pipes) require(fd == hub || ::read(fd, text, sizeof(text)) == 4, "nothing was read");
    });
}

TEST_F(stranger, is_not_drained_in_the_place_of_one_source) {
    expect_after_watching([] {
        int ends[2];
        require(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "a pipe");
        for (int fd = STDERR_FILENO + 1; fd < ends[0]; ++fd) // whichever the source is
            if (fd != hub && ::fcntl(fd, F_GETFD) >= 0) ::dup2(ends[0], fd);
        require(::write(ends[1], "mine", 4) == 4, "a word");
        require(synk::pressure_fd() == -1, "a hub without its sources is of no use");
        require(synk::on_pressure() == 0, "nothing is idle");
        char text[8];
        require(::read(ends[0], text, sizeof(text)) == 4, "nothing was read");
    });
}

TEST_F(stranger, is_not_closed_by_a_fork) {
    expect_after_watching([] {
        close_all();
        const std::vector<int> own = open_own();
        const pid_t child = ::fork();
        if (child == 0) ::_exit(all_open(own) ? 0 : 1);
        require(status_of(child) == 0, "the child has what the parent had");
        require(all_open(own), "and so has the parent");
    });
}

TEST_F(stranger, is_no_pressure) {
    EXPECT_TRUE(ends_well(in_child([this] {
        start_with("MEMORY_PRESSURE_WATCH", fifo());
        synk::configure(by_pressure_only(true));
        put_some(8 * mib);
        require(comes_true([] { return find_keeper().has_value(); }), "there is a keeper");
        require(comes_true([this] { return ::open(fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) >= 0; }),
                "it listens");
        close_all();
        std::this_thread::sleep_for(milliseconds(2500)); // it comes by once a second
        require(synk::stats().idle == 8 * mib, "a closed descriptor is no pressure");
        open_own();
        std::this_thread::sleep_for(milliseconds(2500));
        require(synk::stats().idle == 8 * mib, "nor is one that is always readable");
    })));
}

// What was ours goes, where nobody has touched it.
TEST_F(stranger, is_told_from_our_own) {
    expect_after_watching([] {
        const int own_hub = hub;
        const pid_t child = ::fork();
        if (child == 0) ::_exit(::fcntl(own_hub, F_GETFD) < 0 ? 0 : 1);
        require(status_of(child) == 0, "the child does not keep the hub");
        require(synk::pressure_fd() == own_hub, "the parent does");
    });
}

} // namespace
