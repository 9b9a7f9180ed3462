// Who says that memory is short, and what happens then. Each in a process of its own: the sources are opened once.

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_pressure.hpp"
#include "support/pressure_fifo.hpp"
#include "support/process_memory.hpp"
#include "support/system_that_refuses.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

class pressure : public pressure_fifo {
protected:
    static void watch(const std::string& what) { start_with("MEMORY_PRESSURE_WATCH", what); }
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

TEST_F(pressure, is_heard_of_by_a_keeper_that_has_had_nothing_to_do) {
    expect_in_a_new_process([this] {
        watch(fifo());
        synk::options o;
        o.weak_after = o.gone_after = milliseconds(20);
        {
            const system_that_refuses system({.advise = true}); // for now
            synk::configure(o);
            put_some(32 * mib);
            std::this_thread::sleep_for(milliseconds(300));
        }
        require(synk::stats().idle == 32 * mib, "it is still there, and nothing has changed for long");
        o.gone_after = std::chrono::hours(1); // or it would go by and by
        synk::configure(o);
        tell(fifo());
        require(comes_true([] { return synk::stats().idle == 0; }, milliseconds(2000)), "all of it goes");
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
        start_with("MEMORY_PRESSURE_WRITE", "aGVsbG8=");
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

TEST_F(pressure, from_a_source_that_never_ends_is_heard_once) {
    expect_in_a_new_process([] {
        ::alarm(10);
        watch("/dev/random");
        synk::configure(by_pressure_only(false));
        const int fd = synk::pressure_fd();
        require(fd >= 0 && readable(fd), "it always has something to say");
        put_some(8 * mib);
        require(synk::on_pressure() == 8 * mib, "it goes");
        require(!readable(fd), "but we listen no more");
    });
}

TEST_F(pressure, by_a_full_fifo_is_heard_again) {
    expect_in_a_new_process([this] {
        watch(fifo());
        synk::configure(by_pressure_only(false));
        const int fd = synk::pressure_fd();
        const int other_end = ::open(fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        const std::string words(4096, '!');
        while (::write(other_end, words.data(), words.size()) > 0) {
        }
        static_cast<void>(synk::on_pressure());
        require(!readable(fd), "all is read");
        tell(fifo());
        require(readable(fd), "the loop is woken");
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

// A daemon may be started so, and its first file is to be its standard input.
TEST_F(pressure, takes_no_number_of_a_standard_descriptor) {
    expect_in_a_new_process([this] {
        watch(fifo());
        for (const int standard : {0, 1, 2}) ::close(standard);
        const int fd = synk::pressure_fd();
        for (const int standard : {0, 1, 2}) require(::dup(fd) == standard, "it is free");
        tell(fifo());
        require(fd > 2 && readable(fd), "pressure is heard of");
        ::_exit(0);
    });
}

// Of two descriptors one would be the FIFO's.
TEST_F(pressure, is_watched_once_there_are_descriptors_for_it) {
    for (const rlim_t left : {rlim_t{0}, rlim_t{1}})
        expect_in_a_new_process([this, left] {
            watch(fifo());
            rlimit limit;
            require(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "there is a limit");
            const int next = ::dup(0);
            require(next >= 0 && ::close(next) == 0, "descriptors are given out in order");
            const rlimit few{static_cast<rlim_t>(next) + left, limit.rlim_max};
            require(::setrlimit(RLIMIT_NOFILE, &few) == 0, "it can be lowered");
            require(synk::pressure_fd() == -1, "there are too few");
            require(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "and raised");
            const int fd = synk::pressure_fd();
            require(fd >= 0, "now there are enough");
            tell(fifo());
            require(readable(fd), "and pressure is heard of");
        });
}

TEST_F(pressure, is_armed_by_what_the_environment_encodes) {
    expect_in_a_new_process([this] {
        watch(fifo());
        start_with("MEMORY_PRESSURE_WRITE", "c29tZSAxNTAwMDAgMjAwMDAwMAA=");
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
        start_with("MEMORY_PRESSURE_WRITE", "");
        synk::configure(by_pressure_only(false));
        put_some(8 * mib);
        require(synk::pressure_fd() >= 0, "there is a descriptor");
        tell(fifo());
        require(readable(synk::pressure_fd()), "an empty text arms nothing and hinders nothing");
    });
}

// The keeper would read the environment while the program changes it.
TEST_F(pressure, is_watched_where_the_process_was_told_when_it_started) {
    expect_in_a_new_process([this] {
        ::setenv("MEMORY_PRESSURE_WATCH", fifo().c_str(), 1);
        static_cast<void>(synk::pressure_fd());
        require(::open(fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) == -1, "nobody has opened the FIFO");
    });
}

TEST_F(pressure, variables_that_are_too_long_are_ignored_with_a_line) {
    for (const char* const name : {"MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE"}) {
        const ending e = in_child([&] { start_with(name, std::string(5000, 'x')); });
        EXPECT_TRUE(e.good()) << e;
        EXPECT_TRUE(e.words.starts_with(std::string("synk: ") + name + "=xxx")) << e;
        EXPECT_NE(e.words.find("x is ignored: "), std::string::npos) << e;
    }
    expect_in_a_new_process([this] {
        watch(fifo());
        start_with("MEMORY_PRESSURE_WRITE", std::string(5000, 'x'));
        require(synk::pressure_fd() >= 0, "the other one is not");
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

} // namespace
