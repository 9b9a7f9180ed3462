// Randomness that a failed test can be run with again: SYNK_SEED=n in the environment.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "support/effort.hpp"

namespace synk_test {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
class random_source {
public:
    explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    // 0 .. n-1, for n > 0. The bias towards small numbers is below 2^-24 for the n of tests.
    std::size_t below(std::size_t n) noexcept { return next() % n; }
    std::size_t between(std::size_t least, std::size_t most) noexcept { return least + below(most - least + 1); }
    bool one_in(std::size_t n) noexcept { return below(n) == 0; }
    // Another source, for another thread.
    random_source split() noexcept { return random_source(next()); }

    // What std::shuffle and std::discrete_distribution want.
    using result_type = std::uint64_t;
    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return ~result_type{0}; }
    result_type operator()() noexcept { return next(); }

private:
    std::uint64_t state_;
};

// The same seed in every usual run, so that a change is blamed on what changed; SYNK_LONG=1 takes a new one each time.
inline std::uint64_t chosen_seed() {
    if (const char* const wanted = std::getenv("SYNK_SEED")) return std::strtoull(wanted, nullptr, 0);
    return long_run() ? std::random_device{}() : 20'240'607U;
}

// The source of a whole test. Its seed is printed at once: a test that ends by abort() has no later.
inline random_source seeded() {
    const std::uint64_t seed = chosen_seed();
    std::printf("SYNK_SEED=%llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    return random_source(seed);
}

} // namespace synk_test
