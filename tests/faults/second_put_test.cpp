// A bare pointer that is put a second time while its first put stands before any one of its atomic operations: by
// another thread, or by a signal handler that interrupts the first. One of the two is told, wherever that is, before
// both have come back.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <thread>
#include <tuple>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <synk/pool.hpp>

#include "faults/stepped_atomic.hpp"
#include "pages/system.hpp"
#include "support/child.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

std::size_t size = 0;
constexpr const char* second_put = "put a second time";

void* lent = nullptr;

void lend() { lent = synk::get_sized_pool().allocate(size); }
void put() { synk::get_sized_pool().deallocate(lent, size); }

// What has been before, which the way of a put depends on (put_bias.hpp).
enum class past { nothing, withdrawn, withdrawn_since, puts_others, puts_its_own_again };
std::ostream& operator<<(std::ostream& out, past p) {
    constexpr const char* names[] = {"nothing", "withdrawn", "withdrawn_since", "puts_others", "puts_its_own_again"};
    return out << names[static_cast<int>(p)];
}
past before = past::nothing;

// In the thread that lends.
void lend_after_that() {
    void* others = nullptr;
    const auto get_one = [&others] { others = synk::get_sized_pool().allocate(size); };
    const auto put_it = [&others] { synk::get_sized_pool().deallocate(others, size); };
    if (before == past::withdrawn) {
        get_one();
        std::thread(put_it).join();
    }
    if (before == past::puts_others || before == past::puts_its_own_again) {
        std::thread(get_one).join();
        put_it();
    }
    if (before == past::puts_its_own_again)
        for (int times = 0; times < 3; ++times) get_one(), put_it();
    lend();
    if (before == past::withdrawn_since) {
        get_one();
        std::thread(put_it).join();
    }
}

void put_another_of_the_same_size() {
    void* const p = synk::get_sized_pool().try_allocate(size);
    synk::get_sized_pool().deallocate(p, size);
}

constexpr int not_reached = 3; // there were not so many operations

// Ends well where nobody is told, with not_reached where the first put is over before.
struct contest {
    bool lender_puts_first;
    bool lender_puts_second;
    void (*second)() = put;
    void (*after_first)() = [] {};

    void run(std::uint64_t n) const {
        worker lender;
        lender.run(lend_after_that);
        stopping_place::clear();
        std::atomic<bool> over{false};
        const auto first = [this, &over, n] {
            stopping_place::stand_before(n);
            put();
            stopping_place::forget();
            after_first();
            over = true;
        };
        std::thread watched(lender_puts_first ? std::thread([&] { lender.run(first); }) : std::thread(first));
        while (!stopping_place::held() && !over) std::this_thread::yield();
        if (over) ::_exit(not_reached);
        if (lender_puts_second)
            lender.run(second);
        else
            second();
        stopping_place::let_go();
        watched.join();
    }
};

// Calls one_more(n) for n = 1, 2, ... until it says that there are not so many operations. How many there were.
template <class OneMore>
std::uint64_t at_every_operation(OneMore one_more) {
    std::uint64_t n = 0;
    while (!testing::Test::HasFailure() && one_more(n + 1)) ++n;
    return n;
}

void expect_told(const contest& c) {
    const std::uint64_t operations = at_every_operation([&c](std::uint64_t n) {
        const ending e = in_child([&c, n] { c.run(n); });
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
        EXPECT_TRUE(e.aborted() && e.words.find(second_put) != e.words.npos) << "before operation " << n << ": " << e;
        return true;
    });
    EXPECT_GE(operations, 8U);
}

class SecondPutAtEveryStep : public testing::TestWithParam<std::tuple<std::size_t, past>> {
protected:
    void SetUp() override { std::tie(size, before) = GetParam(); }
};

TEST_P(SecondPutAtEveryStep, OfTheLendersByAnother) { expect_told({true, false}); }
TEST_P(SecondPutAtEveryStep, OfAnothersByTheLender) { expect_told({false, true}); }
TEST_P(SecondPutAtEveryStep, OfAnothersByAThird) { expect_told({false, false}); }

// In the thread that puts first. Ends as handler() does, or with not_reached.
ending interrupted(std::uint64_t n, void (*lend_somewhere)(), stopping_place::handler handler) {
    return in_child([&] {
        lend_somewhere();
        stopping_place::interrupt_by(handler);
        stopping_place::stand_before(n);
        put();
        ::_exit(stopping_place::interrupted() ? 0 : not_reached);
    });
}

void expect_told_of_handlers(void (*lend_somewhere)()) {
    const std::uint64_t operations = at_every_operation([&](std::uint64_t n) {
        const ending e = interrupted(n, lend_somewhere, put);
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
        EXPECT_TRUE(e.aborted() && e.words.find(second_put) != e.words.npos) << "before operation " << n << ": " << e;
        return true;
    });
    EXPECT_GE(operations, 8U);
}

void lend_elsewhere() { std::thread(lend_after_that).join(); }

TEST_P(SecondPutAtEveryStep, OfTheLendersByItsHandler) { expect_told_of_handlers(lend_after_that); }
TEST_P(SecondPutAtEveryStep, OfAnothersByAHandler) { expect_told_of_handlers(lend_elsewhere); }

// What is no second put is no misuse, in the middle of whatever put.
TEST_P(SecondPutAtEveryStep, IsNoneOfAnotherBlockByAHandler) {
    for (const auto lend_somewhere : {lend_after_that, lend_elsewhere}) {
        at_every_operation([&](std::uint64_t n) {
            const ending e = interrupted(n, lend_somewhere, put_another_of_the_same_size);
            if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
            EXPECT_TRUE(e.good()) << "before operation " << n << ": " << e;
            return true;
        });
    }
}

// Its record is another block's meanwhile, which is lent.
void put_and_reuse_the_record() {
    put();
    synk::trim();
    ::mmap(lent, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0); // not for the next block
    require(synk::get_sized_pool().allocate(size) != lent, "that place is taken");
}

TEST(SecondPutOfALargeBlock, TakesNoOtherBlocksMark) {
    size = std::size_t{8} << 20;
    before = past::nothing;
    at_every_operation([](std::uint64_t n) {
        const ending e = in_child([n] { contest{false, true, put_and_reuse_the_record}.run(n); });
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
        EXPECT_TRUE(e.aborted() && e.words.starts_with("synk: put of")) << "before operation " << n << ": " << e;
        return true;
    });
}

// At its place is a shorter block meanwhile, which is lent.
void* map_there(std::size_t length, bool, void*) noexcept {
    constexpr int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void* const at = ::mmap(lent, length, PROT_READ | PROT_WRITE, kind, -1, 0);
    return at != MAP_FAILED ? at : nullptr;
}
void put_and_get_a_shorter_one() {
    put();
    synk::trim();
    static synk::detail::system_calls calls = synk::detail::linux_calls;
    calls.map = map_there;
    synk::detail::the_system.store(&calls);
    require(synk::get_sized_pool().allocate(size * 5 / 8) == lent, "this is of another place");
    synk::detail::the_system.store(&synk::detail::linux_calls);
}
void use_all_of_one() { std::memset(synk::get_sized_pool().allocate(size), 1, size); }

// Or it would be lent as if it were as long as the first.
TEST(SecondPutOfALargeBlock, TakesNoShorterBlockForIt) {
    size = std::size_t{8} << 20;
    for (const past p : {past::nothing, past::withdrawn, past::puts_others}) {
        before = p;
        for (const bool lender : {false, true}) {
            const std::uint64_t operations = at_every_operation([lender, p](std::uint64_t n) {
                const contest c{lender, false, put_and_get_a_shorter_one, use_all_of_one};
                const ending e = in_child([&c, n] { c.run(n); });
                if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == not_reached) return false;
                EXPECT_TRUE(e.good() || (e.aborted() && e.words.starts_with("synk: put of")))
                    << p << ", before operation " << n << ": " << e;
                return true;
            });
            EXPECT_GE(operations, 8U);
        }
    }
}

std::string name_of(const testing::TestParamInfo<std::tuple<std::size_t, past>>& test) {
    return std::to_string(std::get<std::size_t>(test.param)) + "_" + testing::PrintToString(std::get<past>(test.param));
}

INSTANTIATE_TEST_SUITE_P(InAChunk, SecondPutAtEveryStep,
                         testing::Combine(testing::Values(5000),
                                          testing::Values(past::nothing, past::withdrawn, past::withdrawn_since,
                                                          past::puts_others, past::puts_its_own_again)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Large, SecondPutAtEveryStep,
                         testing::Combine(testing::Values(std::size_t{8} << 20),
                                          testing::Values(past::nothing, past::withdrawn_since)),
                         name_of);

} // namespace
