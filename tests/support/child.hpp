// A child process in which a test may die, starve or hang: how it ended, and its last words.
//
// By fork and not by gtest's death tests: the child sees the pointers of its parent, so that the parent can require
// that the very pointer is named.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace synk_test {

// Longer than any child takes on a slow day. A child that is still there then is killed by SIGALRM.
inline constexpr unsigned watchdog_seconds = 240;

// ThreadSanitizer takes a thread that is started in the child of a process with threads for one of the parent's, which
// has the same address, and ends the child.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool children_may_start_threads = false;
#elif defined(__has_feature)
inline constexpr bool children_may_start_threads = !__has_feature(thread_sanitizer);
#else
inline constexpr bool children_may_start_threads = true;
#endif
inline constexpr const char* no_threads_in_children =
    "ThreadSanitizer cannot follow a thread that the child of a process with threads starts";

struct ending {
    int status = -1; // as from waitpid()
    std::string words;

    [[nodiscard]] bool good() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    [[nodiscard]] bool aborted() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
};

inline std::ostream& operator<<(std::ostream& out, const ending& e) {
    if (WIFSIGNALED(e.status)) out << "signal " << WTERMSIG(e.status);
    if (WIFEXITED(e.status)) out << "exit " << WEXITSTATUS(e.status);
    return out << ", last words: \"" << e.words << '"';
}

// For code in a child, where gtest cannot report: ends it with a line that says what was expected.
inline void require(bool what_was_promised, const char* words) {
    if (what_was_promised) return;
    static_cast<void>(::dprintf(STDERR_FILENO, "broken promise: %s\n", words));
    ::_exit(1);
}

[[nodiscard]] inline int status_of(pid_t child) {
    int status = -1;
    while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
    }
    return status;
}

inline std::string read_all(int from) {
    std::string text;
    char some[4096];
    for (;;) {
        const ssize_t n = ::read(from, some, sizeof(some));
        if (n == -1 && errno == EINTR) continue;
        if (n <= 0) return text;
        text.append(some, static_cast<std::size_t>(n));
    }
}

struct nothing {
    void operator()() const {}
};

// Runs body in a forked child, which exits with 0 when body returns, and in_parent here, once the child is there.
template <class Body, class InParent = nothing>
[[nodiscard]] ending in_child(Body body, InParent in_parent = {}) {
    int words[2];
    if (::pipe(words) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == -1) std::abort();
    if (child == 0) {
        ::dup2(words[1], STDERR_FILENO);
        ::close(words[0]);
        ::close(words[1]);
        ::alarm(watchdog_seconds);
        body();
        ::_exit(0);
    }
    ::close(words[1]);
    in_parent();
    ending e;
    e.words = read_all(words[0]);
    ::close(words[0]);
    e.status = status_of(child);
    return e;
}

inline testing::AssertionResult ends_well(const ending& e) {
    if (e.good()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << e;
}

// Runs body in a child, which must abort with one line of ours that names the pointer and says what is wrong with it.
// Where threads may find out at the same time each of them may say it.
template <class Body>
[[nodiscard]] testing::AssertionResult dies_naming(const void* p, const char* what_is_wrong, Body body,
                                                   std::size_t most_threads = 1) {
    const ending e = in_child(body);
    char pointer[32];
    std::snprintf(pointer, sizeof(pointer), " %p", p);
    if (!e.aborted()) return testing::AssertionFailure() << "it should have aborted; " << e;
    if (!e.words.starts_with("synk: ")) return testing::AssertionFailure() << "it should begin with synk:; " << e;
    const std::string line = e.words.substr(0, e.words.find('\n') + 1);
    std::string said = line;
    for (std::size_t i = 1; i < most_threads && said != e.words; ++i) said += line;
    if (line.empty() || said != e.words) return testing::AssertionFailure() << "it should be one line; " << e;
    if (e.words.find(pointer) == std::string::npos)
        return testing::AssertionFailure() << "it should name" << pointer << "; " << e;
    if (e.words.find(what_is_wrong) == std::string::npos)
        return testing::AssertionFailure() << "it should say \"" << what_is_wrong << "\"; " << e;
    return testing::AssertionSuccess();
}

} // namespace synk_test
