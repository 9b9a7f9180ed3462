// A system that refuses memory at the n-th time that the pool asks, for every n until it asks no more: once, or from
// then on. Whatever is asked of the pool succeeds or is a clean error, and what there was stays as it was.
//
// ctest-variants: plain asan
#include <cerrno>
#include <cstdint>
#include <new>
#include <ostream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "support/child.hpp"
#include "support/no_ageing.hpp"
#include "support/pattern.hpp"
#include "support/system_that_refuses.hpp"
#include "support/units.hpp"

namespace {

using synk_test::mib;
using synk_test::require;
using synk_test::system_that_refuses;
using synk_test::without_end;

// A block of n bytes with a pattern all over, or an empty handle if there is no memory.
synk::bytes got(std::size_t n) {
    try {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        require(b.size() == n, "a get gives what was asked for");
        synk_test::fill(b, n);
        return b;
    } catch (const std::bad_alloc&) {
        return {};
    }
}

void require_intact(const synk::bytes& b, std::size_t n) {
    require(!b || synk_test::first_broken({b.data(), n}, n) == synk_test::intact, "contents stay as they were");
}

// Two blocks of each of some tiers at the same time.
void get_of_tiers(std::size_t step) {
    std::vector<synk::bytes> held;
    std::vector<std::size_t> sizes;
    for (std::size_t n = 4096; n <= 4 * mib; n *= step)
        for (int i = 0; i < 2; ++i) {
            held.push_back(got(n));
            sizes.push_back(n);
        }
    for (std::size_t i = 0; i < held.size(); ++i) require_intact(held[i], sizes[i]);
}

void get_of_every_tier() { get_of_tiers(2); }
void get_of_a_few_tiers() { get_of_tiers(16); }

void get_large_blocks() {
    for (const std::size_t n : {5 * mib, 9 * mib, 5 * mib}) {
        const auto one = got(n);
        const auto two = got(n);
        require_intact(one, n);
        require_intact(two, n);
    }
}

void reserve_more(synk::bytes& b, std::size_t n) {
    const std::size_t old_size = b.size();
    const std::size_t old_capacity = b.capacity();
    try {
        b.reserve(n);
        require(b.capacity() >= n, "a growth gives what was asked for");
    } catch (const std::bad_alloc&) {
        require(b.capacity() == old_capacity, "a growth that failed leaves the handle");
    }
    require(b.size() == old_size, "a growth leaves the size");
}

void grow_handles() {
    for (const std::size_t n : {std::size_t{5000}, 3 * mib, 5 * mib}) {
        auto b = got(n);
        const auto in_the_way = got(n); // so that some growths cannot be done in place
        if (!b) continue;
        for (const std::size_t wanted : {2 * n, 6 * mib, 11 * mib, 20 * mib}) {
            reserve_more(b, wanted);
            require_intact(b, n);
        }
    }
}

void resize_in_c() {
    constexpr std::size_t n = 5 * mib;
    auto* p = static_cast<std::byte*>(synk_get_zeroed(n));
    if (p == nullptr) return require(errno == ENOMEM, "no memory is ENOMEM");
    synk_test::fill({p, n}, n);
    errno = 0;
    auto* const grown = static_cast<std::byte*>(synk_resize(p, 40 * mib));
    require(grown != nullptr || errno == ENOMEM, "no memory is ENOMEM");
    if (grown != nullptr) p = grown;
    require(synk_test::first_broken({p, n}, n) == synk_test::intact, "contents stay as they were");
    synk_put(p);
}

// Each thread makes its cache, and some of its blocks go to the others.
void start_threads() {
    for (int i = 0; i < 3; ++i) std::thread(get_of_a_few_tiers).join();
    std::vector<std::thread> together;
    for (int i = 0; i < 3; ++i) together.emplace_back(get_of_a_few_tiers);
    for (std::thread& t : together) t.join();
}

void require_pool_works() {
    for (const std::size_t n : {std::size_t{1}, std::size_t{70'000}, 4 * mib, 20 * mib}) {
        const auto b = got(n);
        require(static_cast<bool>(b), "there is memory again");
        require_intact(b, n);
    }
    require(synk::stats().lent == 0, "nothing is lost");
    synk::trim();
    require(synk::stats().idle == 0, "what is idle can be given back");
}

struct scenario {
    const char* name;
    void (*run)();
};
std::ostream& operator<<(std::ostream& out, const scenario& shown) { return out << shown.name; }
constexpr scenario scenarios[] = {{"GetOfEveryTier", get_of_every_tier},
                                  {"GetLargeBlocks", get_large_blocks},
                                  {"GrowHandles", grow_handles},
                                  {"ResizeInC", resize_in_c},
                                  {"StartThreads", start_threads}};

class RefusedMemory : public testing::TestWithParam<scenario> {
protected:
    static constexpr int never_refused = 77;

    // In a child, so that it begins with a pool that was never used.
    static synk_test::ending with_refusal(std::size_t first, std::size_t last) {
        return synk_test::in_child([=] {
            bool refused = false;
            {
                const system_that_refuses system(
                    {.map = true, .make_accessible = true, .remap = true, .first = first, .last = last});
                GetParam().run();
                require(synk::stats().lent == 0, "nothing is lost");
                refused = system.count() >= first;
            }
            require_pool_works();
            if (!refused) ::_exit(never_refused);
        });
    }

    // `more` calls are refused with the n-th.
    static void expect_good_for_every_n(std::size_t more) {
        for (std::size_t n = 1; n < 1000; ++n) {
            const synk_test::ending e = with_refusal(n, n + more);
            if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == never_refused) {
                EXPECT_GT(n, 3U) << "memory was asked for";
                return;
            }
            ASSERT_TRUE(synk_test::ends_well(e)) << "at the " << n << "th call";
        }
        FAIL() << "it asks for memory without end";
    }
};

TEST_P(RefusedMemory, Once) { expect_good_for_every_n(0); }
TEST_P(RefusedMemory, FromThenOn) { expect_good_for_every_n(without_end / 2); }

INSTANTIATE_TEST_SUITE_P(Scenarios, RefusedMemory, testing::ValuesIn(scenarios),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
