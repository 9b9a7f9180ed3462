// A pool that holds nothing, under a clock that the test moves.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/watched_system.hpp"

namespace synk_test {

inline synk::options without_keeper() {
    synk::options o;
    o.weak_after = milliseconds(1000);
    o.gone_after = milliseconds(5000);
    o.keeper = false;
    o.huge = synk::huge_pages::off;
    return o;
}

// The accounts of fresh_pool.hpp, and what is weak is idle.
inline void expect_truthful_stats() {
    expect_accounts_balance();
    const synk::statistics s = synk::stats();
    EXPECT_LE(s.weak, s.idle_chunk + s.idle_large);
}

class idle_pool : public testing::Test {
protected:
    idle_pool() {
        synk::configure(without_keeper());
        synk::trim();
        synk::detail::shared_store::unmap_free();
        visit(); // the next one is due a quarter of weak_after from here
        static_cast<void>(watched_system::take_advice());
    }
    ~idle_pool() override {
        expect_truthful_stats();
        EXPECT_EQ(synk::stats().lent, lent_before_) << "the test has lost a block";
        synk::configure(without_keeper());
    }

    static void set_limit(std::size_t bytes) {
        synk::options o = without_keeper();
        o.idle_limit = bytes;
        synk::configure(o);
    }

    static synk::bytes get(std::size_t n) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        watched_system::lent(b.data(), b.capacity());
        return b;
    }
    static void put(synk::bytes b) {
        watched_system::put(b.data());
        b.reset();
    }
    static std::vector<synk::bytes> get_many(std::size_t count, std::size_t n) {
        std::vector<synk::bytes> blocks;
        for (std::size_t i = 0; i < count; ++i) blocks.push_back(get(n));
        return blocks;
    }
    static void put_all(std::vector<synk::bytes>& blocks) {
        for (synk::bytes& b : blocks) put(std::move(b));
        blocks.clear();
    }
    // Returns the others.
    [[nodiscard]] static std::vector<synk::bytes> put_every_other(std::vector<synk::bytes> blocks) {
        std::vector<synk::bytes> kept;
        for (std::size_t i = 0; i < blocks.size(); ++i)
            if (i % 2 == 0)
                kept.push_back(std::move(blocks[i]));
            else
                put(std::move(blocks[i]));
        return kept;
    }

    // A visit of the keeper, a quarter of weak_after after the last one.
    static std::size_t visit() {
        watched_system::pass(synk::current_options().weak_after / 4);
        return synk::maintain();
    }
    static void visits(int n) {
        while (n-- > 0) visit();
    }

    watched_system system_;

private:
    std::size_t lent_before_ = synk::stats().lent;
};

} // namespace synk_test
