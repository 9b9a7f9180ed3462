// The pool of the process, as a test wants to find it: with its default options and without any memory.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "pages/system.hpp"
#include "shared/shared_store.hpp"
#include "support/units.hpp"

namespace synk_test {

namespace inside = synk::detail;
static_assert(page == inside::page_size);

// The defaults, but nothing happens by itself: no thread of the library's own, no ageing, no page is resident before it
// is lent. So that what a test sees is what it did.
inline synk::options quiet() {
    synk::options o;
    o.keeper = false;
    o.weak_after = o.gone_after = std::chrono::hours(24);
    o.huge = synk::huge_pages::off;
    return o;
}
inline synk::options quiet_with_limit(std::size_t idle_limit) {
    synk::options o = quiet();
    o.idle_limit = idle_limit;
    return o;
}

// When nothing else runs: every idle byte has its reservation, and nothing else has one.
inline void expect_accounts_balance() {
    const synk::statistics s = synk::stats();
    const std::size_t reserved =
        inside::thread_caches::reserved_bytes() + s.idle_channel + s.idle_chunk + s.idle_large + s.idle_quarantine;
    EXPECT_EQ(inside::budget.reserved(), reserved);
    EXPECT_EQ(s.idle, s.idle_cached + s.idle_channel + s.idle_chunk + s.idle_large + s.idle_quarantine);
    EXPECT_EQ(s.mapped, s.lent + s.idle + s.gone);
}

// In tests of what becomes of a block, which is then of the length that was asked for.
inline std::atomic<bool> each_size_has_its_class{false};

// A thread that often cut up idle blocks, or took longer ones, is served by new memory once, and not every miss looks
// how much is lent (growth.hpp, few_lengths.hpp). Tests of what one request finds begin without that past.
inline void forget_the_past() {
    inside::cache_record* const own = inside::thread_caches::own();
    if (each_size_has_its_class) inside::this_thread_start.sizes.serve_few_lengths(false);
    if (own == nullptr) return;
    own->evictions = 0;
    own->not_put = 0;
    own->missed_gets = 0;
    own->looks_in_favour = 0;
}

class fresh_pool : public testing::Test {
protected:
    void SetUp() override { start_afresh(); }

    // Nothing is idle and nothing mapped but what is lent.
    void start_afresh() {
        synk::configure(quiet());
        // Enough for all threads of any test: of many that share one, those that use few would keep none
        // (rare_use.hpp).
        inside::known_processors.store(1024, std::memory_order_relaxed);
        inside::this_thread_start.sizes.serve_few_lengths(true);
        forget_the_past();
        synk::maintain(); // the first visit may be due: the next is not for hours
        synk::trim();
        inside::shared_store::unmap_free();
        lent_before_ = synk::stats().lent;
        ASSERT_TRUE(lent_before_ != 0 || mapped() == 0) << "something idle is still mapped";
    }
    void TearDown() override {
        synk::configure(quiet());
        EXPECT_EQ(synk::stats().lent, lent_before_) << "the test has lost a block";
        expect_accounts_balance();
    }

    static std::size_t mapped() { return synk::stats().mapped; }
    // Bytes in users' hands since the test began.
    [[nodiscard]] std::size_t lent() const { return synk::stats().lent - lent_before_; }

private:
    std::size_t lent_before_ = 0;
};

// The same beside so much that is lent that each size is served by its class, none by a common length.
class pool_beside_much : public fresh_pool {
protected:
    void SetUp() override {
        start_afresh();
        much_ = synk::get_sized_pool().get_sized(much);
        start_afresh();
    }
    // Without what is lent from the beginning.
    static std::size_t mapped() { return fresh_pool::mapped() - much; }

private:
    static constexpr std::size_t much = 12 * mib;
    synk::bytes much_;
};

class pool_of_classes : public fresh_pool {
protected:
    void SetUp() override {
        each_size_has_its_class = true;
        fresh_pool::SetUp();
    }
    void TearDown() override {
        each_size_has_its_class = false;
        fresh_pool::TearDown();
    }
};

// Sizes at which something changes: around every class's and so every tier's bound, small and large.
inline std::vector<std::size_t> boundary_sizes() {
    std::vector<std::size_t> sizes{0, 1, 2};
    for (unsigned cls = 0; cls < inside::chunk_class_count + 2 * inside::class_fan; ++cls)
        for (const std::size_t n :
             {inside::class_bytes(cls) - 1, inside::class_bytes(cls), inside::class_bytes(cls) + 1})
            sizes.push_back(n);
    return sizes;
}

} // namespace synk_test
