// In a cgroup of 600 MB: 500 MB lie idle, 500 MB are newly needed. With the pool's giving back the process goes on,
// without it it is killed, which shows that the test can tell.
// ctest: RUN_SERIAL TRUE TIMEOUT 240
// ctest-variants: plain

#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_cgroup.hpp"
#include "support/memory_pressure.hpp"
#include "support/pattern.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

constexpr std::size_t limit = 600 * mib;
constexpr std::size_t amount = 500 * mib;

synk::options roomy() {
    synk::options o;
    o.idle_limit = 1024 * mib;
    return o;
}

synk::options without_giving_back() {
    synk::options o = roomy();
    o.weak_after = o.gone_after = std::chrono::hours(24);
    o.keeper = false;
    return o;
}

std::vector<synk::bytes> lend_and_write(std::size_t bytes) {
    constexpr std::size_t sizes[] = {64 * 1024, 1 * mib, 300 * 1024, 4 * mib, 3 * mib, 12 * mib, 8 * mib};
    std::vector<synk::bytes> blocks;
    for (std::size_t sum = 0; sum < bytes; sum += blocks.back().capacity()) {
        blocks.push_back(synk::get_sized_pool().get_sized(sizes[blocks.size() % std::size(sizes)]));
        std::memset(blocks.back().data(), 1, blocks.back().capacity());
    }
    return blocks;
}

void use_by_malloc(std::size_t bytes) {
    for (std::size_t sum = 0; sum < bytes; sum += mib) {
        void* const p = std::malloc(mib);
        require(p != nullptr, "malloc has memory");
        std::memset(p, 2, mib);
        asm volatile("" : : "r"(p) : "memory"); // or Clang takes malloc and memset away
    }
}

// Buffers that stay lent all the time, and what they hold.
class lent_buffers {
public:
    lent_buffers() {
        for (std::uint64_t key = 0; key < 8; ++key) {
            buffers_.push_back(synk::get_sized_pool().get_sized((key + 1) * 300'000));
            fill(buffers_.back(), key);
        }
    }
    void check() const {
        for (std::uint64_t key = 0; key < buffers_.size(); ++key)
            require(first_broken(buffers_[key], key) == intact, "a lent buffer keeps its contents");
    }

private:
    std::vector<synk::bytes> buffers_;
};

class memory_limit : public testing::Test {
protected:
    void SetUp() override {
        if (!cgroup_.usable()) GTEST_SKIP() << "NOT TESTED: no cgroup with a memory limit can be made here; be root";
    }

    // Runs `idle` and `need` in the cgroup with buffers lent around and between them.
    template <class Idle>
    ending survive(const synk::options& o, Idle idle) {
        return in_child([&] {
            require(cgroup_.enter(), "the cgroup can be entered");
            start_with("MEMORY_PRESSURE_WATCH", "/dev/null"); // notifications come too late: it has to go without
            synk::configure(o);
            const lent_buffers lent;
            idle();
            lent.check();
            use_by_malloc(amount);
            lent.check();
        });
    }
    void expect_killed(const ending& e) {
        EXPECT_TRUE(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGKILL) << e;
        EXPECT_EQ(cgroup_.kills(), 1);
    }

    memory_cgroup cgroup_{limit};
};

void lie_idle(milliseconds time) {
    lend_and_write(amount).clear();
    std::this_thread::sleep_for(time);
}

TEST_F(memory_limit, kills_a_pool_that_gives_nothing_back) {
    expect_killed(survive(without_giving_back(), [] { lie_idle(milliseconds(3000)); }));
}

TEST_F(memory_limit, is_survived_once_idle_memory_is_weak) {
    synk::options o = roomy();
    o.gone_after = std::chrono::hours(1);
    EXPECT_TRUE(ends_well(survive(o, [] { lie_idle(milliseconds(3000)); })));
    EXPECT_EQ(cgroup_.kills(), 0);
}

TEST_F(memory_limit, is_survived_by_calls_of_maintain) {
    synk::options o = roomy();
    o.keeper = false;
    EXPECT_TRUE(ends_well(survive(o, [] {
        lie_idle({});
        for (int i = 0; i < 12; ++i) std::this_thread::sleep_for(milliseconds(250)), synk::maintain();
    })));
}

TEST_F(memory_limit, is_survived_with_huge_pages_on_and_off) {
    for (const auto huge : {synk::huge_pages::on, synk::huge_pages::off}) {
        synk::options o = roomy();
        o.huge = huge;
        EXPECT_TRUE(ends_well(survive(o, [] { lie_idle(milliseconds(2500)); })));
    }
}

// The kernel does not take pages by MADV_FREE that another process has too.
void fork_a_child_that_uses_the_pool(milliseconds for_so_long) {
    if (::fork() != 0) return;
    lend_and_write(8 * mib).clear();
    std::this_thread::sleep_for(for_so_long);
    ::_exit(0);
}

TEST_F(memory_limit, is_survived_after_a_fork) {
    EXPECT_TRUE(ends_well(survive(roomy(), [] {
        lie_idle({});
        fork_a_child_that_uses_the_pool(milliseconds(6000));
        std::this_thread::sleep_for(milliseconds(3500));
    })));
}

TEST_F(memory_limit, is_survived_after_a_fork_before_the_first_put) {
    EXPECT_TRUE(ends_well(survive(roomy(), [] {
        auto blocks = lend_and_write(amount);
        if (::fork() == 0) {
            std::this_thread::sleep_for(milliseconds(2500));
            ::_exit(0);
        }
        blocks.clear();
        std::this_thread::sleep_for(milliseconds(3500));
    })));
}

// A child that never calls the pool has a copy of what was idle at the fork, unless that was given back before.
TEST_F(memory_limit, is_survived_with_trim_on_fork_and_a_child_that_does_nothing) {
    synk::options o = roomy();
    o.trim_on_fork = true;
    EXPECT_TRUE(ends_well(survive(o, [] {
        lie_idle({});
        if (::fork() == 0) {
            std::this_thread::sleep_for(milliseconds(5000));
            ::_exit(0);
        }
    })));
}

} // namespace
