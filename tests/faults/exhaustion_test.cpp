// The system has no more descriptors, threads, addresses or memory that may be locked: what needs them is done without,
// and gets and puts go on.
//
// ctest-variants: plain
// ctest: TIMEOUT 300
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "support/blocks.hpp"
#include "support/child.hpp"
#include "support/process_memory.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

constexpr rlim_t user_nobody = 65534;

void allow(decltype(RLIMIT_AS) what, rlim_t most) {
    const rlimit limit{most, most};
    require(::setrlimit(what, &limit) == 0, "the limit can be set");
}

// Limits of threads and of locked memory do not hold for root.
void be_nobody() {
    if (::geteuid() != 0) return;
    const auto id = static_cast<uid_t>(user_nobody);
    require(::setresgid(id, id, id) == 0 && ::setresuid(id, id, id) == 0, "root can become nobody");
}

void give_back_soon() {
    synk::options o;
    o.weak_after = milliseconds(20);
    o.gone_after = milliseconds(40);
    synk::configure(o);
}

void leave_idle(std::size_t bytes) {
    std::vector<synk::bytes> held;
    for (std::size_t n = 0; n < bytes; n += mib) held.push_back(synk::get_sized_pool().get_sized(mib));
    for (synk::bytes& b : held) stamp(b.data(), b.size(), 1);
}

bool nothing_is_idle() { return synk::stats().idle == 0; }

void use_all_descriptors() {
    allow(RLIMIT_NOFILE, 64);
    while (::dup(STDERR_FILENO) >= 0) {
    }
}

// The keeper has no source that tells it of pressure; it has a clock.
TEST(Exhaustion, OfDescriptorsLeavesTheKeeperItsClock) {
    EXPECT_TRUE(ends_well(in_child([] {
        use_all_descriptors();
        require(synk::pressure_fd() == -1, "there is no descriptor for pressure");
        give_back_soon();
        leave_idle(32 * mib);
        require(comes_true(nothing_is_idle), "idle memory goes with no call into the library");
        require_every_tier_works(1);
    })));
}

TEST(Exhaustion, OfDescriptorsLeavesTheProgramItsOwnCalls) {
    EXPECT_TRUE(ends_well(in_child([] {
        use_all_descriptors();
        leave_idle(32 * mib);
        require(synk::on_pressure() >= 32 * mib && nothing_is_idle(), "what is asked for goes");
        require_every_tier_works(1);
    })));
}

bool can_start_a_thread() {
    try {
        std::thread([] {}).join();
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

void use_more_than_a_cache_holds() {
    static synk::bytes held[4000];
    for (synk::bytes& b : held) b = synk::get_sized_pool().get_sized(1);
    for (synk::bytes& b : held) b.reset();
}

// Slow puts do the keeper's work, every 64th of them.
TEST(Exhaustion, OfThreadsLeavesTheKeepersWorkToTheOthers) {
    EXPECT_TRUE(ends_well(in_child([] {
        be_nobody();
        allow(RLIMIT_NPROC, 0);
        require(!can_start_a_thread(), "no thread can be started");
        give_back_soon();
        leave_idle(32 * mib);
        require_every_tier_works(1);
        require(!find_keeper(), "there is no keeper");
        const std::size_t most = synk::stats().idle;
        const auto goes = [most] {
            for (int i = 0; i < 8; ++i) use_more_than_a_cache_holds();
            return synk::stats().idle < most / 2;
        };
        require(comes_true(goes), "what is not used goes");
        synk::trim();
        require(nothing_is_idle(), "trim gives all of it back");
    })));
}

// With all future memory locked, the system refuses what goes over the limit. What is got before that can be used, and
// once it need not be locked there is memory again.
TEST(Exhaustion, OfLockedMemoryIsNoMemory) {
    constexpr int cannot_tell = 77;
    const ending e = in_child([] {
        be_nobody();
        if (::mlockall(MCL_FUTURE) != 0) ::_exit(cannot_tell);
        synk::bytes held[64];
        for (synk::bytes& b : held) {
            b = synk::get_sized_pool().try_get_sized(4 * mib);
            if (b) stamp(b.data(), b.size(), 1);
        }
        if (held[63]) ::_exit(cannot_tell); // the limit is above 256 MiB
        for (synk::bytes& b : held) {
            if (b) require(stamped(b.data(), b.size(), 1), "a block keeps its contents while it is lent");
            b.reset();
        }
        require(synk::stats().lent == 0, "nothing is lost");
        synk::trim();
        require(nothing_is_idle(), "trim gives back what is locked: the system lets it be unmapped");
        require(::munlockall() == 0, "it can be unlocked");
        require_every_tier_works(1);
    });
    if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == cannot_tell) GTEST_SKIP() << "memory cannot be locked here";
    EXPECT_TRUE(ends_well(e));
}

// Threads that reach the limit of addresses together: who finds no memory is told so, and nothing is lost.
TEST(Exhaustion, OfAddressesForAllThreadsAtOnce) {
    EXPECT_TRUE(ends_well(in_child([] {
        std::vector<std::thread> threads;
        std::atomic<bool> go{false};
        std::atomic<unsigned> refused{0};
        for (unsigned t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                while (!go) std::this_thread::yield();
                synk::bytes held[32];
                for (std::size_t i = 0; i < 3000; ++i) {
                    synk::bytes& b = held[i * 7 % std::size(held)];
                    if (b) require(stamped(b.data(), b.size(), t), "a block keeps its contents while it is lent");
                    b.reset();
                    b = synk::get_sized_pool().try_get_sized(every_tier[(i + t) % std::size(every_tier)]);
                    if (b) stamp(b.data(), b.size(), t);
                    if (!b) ++refused;
                }
            });
        allow(RLIMIT_AS, std::stoul(status_line("/proc/self/status", "VmSize")) * 1024 + 64 * mib);
        go = true;
        for (std::thread& t : threads) t.join();
        require(refused > 100, "the limit was reached");
        require(synk::stats().lent == 0, "nothing is lost");
        require_every_tier_works(1);
    })));
}

} // namespace
