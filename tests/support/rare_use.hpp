// Threads that share processors, and use long blocks seldom or often (rare_use.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "pools/rare_use.hpp"
#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/system_of_processors.hpp"
#include "support/threads.hpp"

namespace synk_test {

class RareUse : public fresh_pool {
protected:
    static constexpr unsigned processor_count = 2;
    static constexpr unsigned threads = 32; // and this one: many for up to five processors
    // A get is a use, and so is a put.
    static constexpr std::uint64_t rarely = processor_count * 8000; // ns that a thread runs between two
    static constexpr int looked = 16;                               // uses that are no hits, when it has just begun
    static constexpr int looked_later = 256;
    static constexpr int measured = 64;
    static constexpr int given_up = 1024; // many uses before, few now

    static synk::bytes take(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    static inside::cache_record& own() { return *inside::thread_caches::own(); }

    void SetUp() override {
        fresh_pool::SetUp();
        system_of_processors::set_count(processor_count);
        for (auto& w : workers_) w = std::make_unique<worker>();
        each([] { static_cast<void>(take(page)); }); // each has its cache
    }
    void TearDown() override {
        for (auto& w : workers_) w.reset();
        fresh_pool::TearDown();
        system_of_processors::set_count(counted_before_);
    }
    template <class Job>
    void each(Job job) {
        for (auto& w : workers_) w->run(job);
    }
    template <class Job>
    void in_thread(unsigned i, Job job) {
        workers_.at(i)->run(job);
    }
    template <class Job>
    void in_one(Job job) {
        in_thread(0, job);
    }
    template <class Job>
    void in_another(Job job) {
        in_thread(1, job);
    }

    // Two uses. The thread runs so long for each.
    static void use(std::size_t n, std::uint64_t ns_each = rarely) {
        system_of_processors::run_for(2 * ns_each);
        static_cast<void>(take(n));
    }
    // So that it is known how often the thread uses long blocks.
    static void use_often(std::size_t n = mib) {
        for (int i = 0; i <= looked; ++i) use(n, 0);
    }
    static void measure_from_the_next() { own().measured_at = own().slow_uses = 0; }
    static bool is_hit(std::size_t n) {
        const std::uint64_t before = cache_hits();
        use(n);
        return cache_hits() != before;
    }

    // What is put now: it may have had none of that size.
    static bool is_kept(std::size_t n) {
        use(n, 0);
        return is_hit(n);
    }

    // Uses that are no hits.
    static std::vector<synk::bytes> hold_many(int n, std::uint64_t ns_each, std::size_t size = 100 * kib) {
        std::vector<synk::bytes> held;
        for (int i = 0; i < n; ++i) {
            system_of_processors::run_for(ns_each);
            held.push_back(take(size));
        }
        return held;
    }

    // The same without a block.
    static void only_ask(int n, std::uint64_t ns_each) {
        for (int i = 0; i < n; ++i) {
            system_of_processors::run_for(ns_each);
            static_cast<void>(inside::rare_use::goes_past_cache(own(), inside::class_of(mib)));
        }
    }

    // Of a thread that always has it: how many gets until one is a hit; 0 where none is.
    static int gets_until_a_hit(std::uint64_t ns_each) {
        for (int gets = 1; gets < 4 * measured; ++gets) {
            const std::uint64_t before = cache_hits();
            use(mib, ns_each);
            if (cache_hits() != before) return gets;
        }
        return 0;
    }

    static void expect_nothing_long() {
        for (unsigned cls = inside::class_of(64 * kib) + 1; cls < inside::chunk_class_count; ++cls)
            EXPECT_EQ(own().limit(cls) + own().parked[cls], 0U) << "class " << cls;
    }

private:
    unsigned counted_before_ = inside::processors();
    system_of_processors system_;
    std::array<std::unique_ptr<worker>, threads> workers_;
};

} // namespace synk_test
