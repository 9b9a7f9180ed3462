// A thread that somebody has cancelled comes into the library: functions that do not throw do not let its end through,
// which would be the end of the process.
// ctest-variants: plain

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "cache/thread_caches.hpp"
#include "pages/system.hpp"
#include "support/child.hpp"
#include "support/memory_pressure.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

// Runs body in a cancelled thread, which must come to its end and only then find that it is cancelled.
template <class Body>
void require_whole(Body body) {
    struct work {
        Body& body;
        bool done = false;
    } all{body};
    pthread_t thread{};
    const auto run = [](void* argument) -> void* {
        work& mine = *static_cast<work*>(argument);
        ::pthread_cancel(::pthread_self());
        mine.body();
        mine.done = true;
        ::pthread_testcancel();
        return nullptr;
    };
    require(::pthread_create(&thread, nullptr, run, &all) == 0, "there is a thread");
    void* result = nullptr;
    ::pthread_join(thread, &result);
    require(all.done, "the library's function is done to its end");
    require(result == PTHREAD_CANCELED, "the thread is still cancelled");
}

// A visit that stands in the middle for a tenth of a second.
class long_visit {
public:
    long_visit() {
        synk::options o = by_pressure_only(false);
        o.weak_after = milliseconds(4);
        synk::configure(o);
        put_some(8 * mib);
        std::this_thread::sleep_for(milliseconds(5)); // a visit is due
        calls = synk::detail::linux_calls;
        calls.barrier = stand;
        synk::detail::the_system.store(&calls);
        visitor_ = std::thread([] { synk::maintain(); });
        while (!stands) std::this_thread::yield();
    }
    long_visit(const long_visit&) = delete;
    long_visit& operator=(const long_visit&) = delete;
    ~long_visit() { visitor_.join(); }

private:
    static bool stand() noexcept {
        stands = true;
        std::this_thread::sleep_for(milliseconds(100));
        return synk::detail::linux_calls.barrier();
    }
    static inline std::atomic<bool> stands{false};
    static inline synk::detail::system_calls calls;
    std::thread visitor_;
};

TEST(cancellation, waits_for_the_opening_of_pressure_sources) {
    EXPECT_TRUE(ends_well(in_child([] { require_whole([] { static_cast<void>(synk::pressure_fd()); }); })));
}

TEST(cancellation, waits_for_what_is_done_under_pressure) {
    EXPECT_TRUE(ends_well(in_child([] {
        start_with("MEMORY_PRESSURE_WATCH", "/dev/random");
        synk::configure(by_pressure_only(false));
        static_cast<void>(synk::pressure_fd());
        put_some(8 * mib);
        require_whole([] { synk::on_pressure(); });
        require(synk::stats().idle == 0, "it has gone");
    })));
}

TEST(cancellation, waits_for_an_answer) {
    EXPECT_TRUE(ends_well(in_child([] {
        const long_visit other;
        require_whole([] { static_cast<void>(synk::stats()); });
    })));
}

// Which keeps what it has; the trim lets it run for a moment first.
TEST(cancellation, waits_for_a_thread_that_was_stopped_in_a_get) {
    EXPECT_TRUE(ends_well(in_child([] {
        std::atomic<bool> inside{false};
        std::thread([&inside] {
            put_some(8 * mib);
            synk::detail::cache_gate& gate = synk::detail::thread_caches::own()->gate;
            require(gate.enter_slow(), "nobody closes the gate");
            inside = true;
            ::pause();
        }).detach();
        while (!inside) std::this_thread::yield();
        require_whole([] { synk::trim(); });
        require(synk::stats().idle != 0, "it keeps what it has");
    })));
}

TEST(cancellation, waits_for_the_line_that_ends_the_process) {
    const ending e = in_child([] {
        void* const p = synk_get(5000);
        synk_put(p);
        require_whole([p] { synk_put(p); });
    });
    EXPECT_TRUE(e.aborted() && e.words.find("put a second time") != std::string::npos) << e;
}

TEST(cancellation, waits_for_a_fork) {
    EXPECT_TRUE(ends_well(in_child([] {
        static_cast<void>(synk::pressure_fd()); // the child closes what that opens
        const long_visit other;
        require_whole([] {
            const pid_t child = ::fork();
            if (child == 0) ::_exit(0);
            ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); // waitpid() is the test's own
            require(status_of(child) == 0, "the child comes to its end, too");
            ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        });
    })));
}

} // namespace
