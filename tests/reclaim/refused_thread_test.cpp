// No thread is to be had for a while, as at a limit on threads: the keeper comes when there is one again.
// ctest-variants: plain
// ctest-program: own, as it has a pthread_create of its own

#include <atomic>
#include <cerrno>
#include <chrono>

#include <dlfcn.h>
#include <pthread.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/process_memory.hpp"
#include "support/units.hpp"

namespace {
constinit std::atomic<bool> refuses{false};
constinit std::atomic<int> refusals{0};
} // namespace

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) noexcept {
    if (refuses) return ++refusals, EAGAIN;
    const auto real = reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, attributes, run, argument);
}

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

// More than a cache takes: the last ones are slow puts.
void put_some() {
    synk::bytes blocks[40];
    for (synk::bytes& b : blocks) b = synk::get_sized_pool().get_sized(4 * mib);
}

void refuse_threads() {
    synk::options o;
    o.weak_after = milliseconds(400); // a visit is due every 100 ms
    synk::configure(o);
    refuses = true;
}

TEST(refused_thread, is_asked_for_again) {
    EXPECT_TRUE(ends_well(in_child([] {
        refuse_threads();
        put_some();
        require(refusals != 0, "a keeper was wanted");
        refuses = false;
        require(comes_true([] { return put_some(), find_keeper().has_value(); }), "there is a keeper");
    })));
}

TEST(refused_thread, is_asked_for_at_most_as_often_as_visits_are_due) {
    EXPECT_TRUE(ends_well(in_child([] {
        refuse_threads();
        const auto begin = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - begin < milliseconds(500)) put_some();
        const auto passed = std::chrono::steady_clock::now() - begin;
        require(refusals > 1, "it was asked for again");
        require(refusals <= 1 + passed / milliseconds(100), "not all the time");
    })));
}

} // namespace
