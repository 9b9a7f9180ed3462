// The n-th call of the system fails, of whatever kind, alone or with all that follow, for every n: programs of the
// model go on or find no memory, and lose nothing. So do the first use of the pool, and a fork.
//
// ctest: TIMEOUT 900
#include <gtest/gtest.h>

#include "model/program.hpp"
#include "support/blocks.hpp"
#include "support/child.hpp"

namespace {

using namespace synk_model;
using synk_test::effort;
using synk_test::ends_well;
using synk_test::in_child;
using synk_test::require;

constexpr std::size_t all = ~std::size_t{0};

std::size_t run_program(std::uint64_t seed, std::size_t n, std::size_t more) {
    in_turns program(choices(seed), n, more);
    program.run(1000);
    return program.calls();
}

// Every n in a long run; in a short one so many, spread over all.
void fail_each_call_of(std::uint64_t seed, std::size_t more, std::size_t most) {
    journal::begin("with the n-th call refused", seed, seed);
    const std::size_t calls = run_program(seed, 0, 0);
    EXPECT_GT(calls, 100U) << "the program has hardly called the system";
    const std::size_t stride = 1 + calls / effort(most);
    for (std::size_t n = 1 + seed % stride; n <= calls; n += stride) {
        journal::trace("call %zu of %zu fails", n, calls);
        run_program(seed, n, more);
    }
    std::printf("seed %llu: %zu calls, each %zuth refused\n", static_cast<unsigned long long>(seed), calls, stride);
}

TEST(NthCall, FailsAloneInPrograms) {
    journal::note_ends();
    for (const std::uint64_t seed : {1U, 2U}) fail_each_call_of(seed, 0, 80);
}

TEST(NthCall, FailsWithTheNextFewInPrograms) {
    journal::note_ends();
    for (const std::uint64_t seed : {3U, 4U}) fail_each_call_of(seed, 5, 50);
}

TEST(NthCall, FailsWithAllThatFollowInPrograms) {
    journal::note_ends();
    for (const std::uint64_t seed : {5U, 6U}) fail_each_call_of(seed, all, 50);
}

// What there is of every tier, each with its pattern.
void use_what_there_is() {
    for (const std::size_t n : synk_test::every_tier) {
        synk::bytes b = synk::get_sized_pool().try_get_sized(n);
        if (!b) continue;
        synk_test::stamp(b.data(), n, n);
        require(synk_test::stamped(b.data(), n, n), "a block keeps its contents while it is lent");
    }
}

// For every n until there are no so many calls. The body is run in a child, and returns how many there were.
template <class Body>
void expect_each_to_end_well(std::size_t more, Body body) {
    constexpr int done = 3;
    for (std::size_t n = 1; n < 1000; ++n) {
        SCOPED_TRACE(testing::Message() << "call " << n);
        const synk_test::ending e = in_child([&] {
            const model_system system;
            if (body(n, more) < n) ::_exit(done);
        });
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == done) return;
        ASSERT_TRUE(ends_well(e));
    }
    FAIL() << "there is no end to it";
}

void require_all_is_well() {
    model_system::refuse(0, 0);
    synk_test::require_every_tier_works(1);
    require(synk::stats().lent == 0, "nothing is lost");
    synk::trim();
    require(synk::stats().idle == 0, "all of it goes");
}

// This process has not used the pool when its child is made, where ctest runs each test in its own.
TEST(NthCall, FailsInTheFirstUse) {
    const auto first_use = [](std::size_t n, std::size_t more) {
        model_system::refuse(n, more);
        use_what_there_is();
        const std::size_t calls = model_system::count();
        require_all_is_well();
        return calls;
    };
    expect_each_to_end_well(0, first_use);
    expect_each_to_end_well(all, first_use);
}

// Weak memory, which a fork drops; what is idle in caches; and blocks that are lent in both processes.
TEST(NthCall, FailsInAForkAndInItsChild) {
    const auto fork_in_use = [](std::size_t n, std::size_t more) {
        synk::options o;
        o.weak_after = o.gone_after = std::chrono::milliseconds(4);
        o.keeper = false;
        synk::configure(o);
        synk_test::churn work(1);
        for (int i = 0; i < 50; ++i) work.step();
        for (int i = 0; i < 3; ++i) {
            model_system::pass(std::chrono::milliseconds(2));
            synk::maintain();
        }
        model_system::refuse(n, more);
        const pid_t child = ::fork();
        const std::size_t calls = model_system::count();
        use_what_there_is();
        model_system::refuse(0, 0);
        work.finish();
        require_all_is_well();
        if (child == 0) ::_exit(0);
        require(synk_test::status_of(child) == 0, "the child's pool works");
        return calls;
    };
    expect_each_to_end_well(0, fork_in_use);
    expect_each_to_end_well(all, fork_in_use);
}

} // namespace
