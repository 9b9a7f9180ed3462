// Gets and puts of the kinds that take different ways through the pool, with patterns that are required to hold.
// For children and helper programs, where gtest cannot report; none of it calls malloc.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/pattern.hpp"

namespace synk_test {

// A size of every tier, with classes between them, and large ones.
inline constexpr std::size_t every_tier[] = {1,       4096,    8000,      16'384,    30'000,    65'536,    100'000,
                                             262'144, 400'000, 1'000'000, 2'000'000, 4'194'304, 5'000'000, 9'000'000};

// The first bytes of each page: enough to find a page that has two owners, at a price that leaves the pool busy.
inline void stamp(std::byte* data, std::size_t size, std::uint64_t key) {
    for (std::size_t at = 0; at + sizeof(key) <= size; at += 4096) fill({data + at, sizeof(key)}, key + at);
}

[[nodiscard]] inline bool stamped(const std::byte* data, std::size_t size, std::uint64_t key) {
    for (std::size_t at = 0; at + sizeof(key) <= size; at += 4096)
        if (first_broken({data + at, sizeof(key)}, key + at) != intact) return false;
    return true;
}

// A few handles that are filled, checked and replaced, one step at a time.
class churn {
public:
    explicit churn(std::uint64_t key) : key_(key) {}

    // Checks and puts what lies in the next place, and gets another size there.
    void step() {
        place& p = places_[step_ % places];
        require_intact(p);
        p.handle.reset();
        p.size = every_tier[random() % std::size(every_tier)];
        p.key = ++key_ << 32;
        p.handle = synk::get_sized_pool().get_sized(p.size);
        stamp(p.handle.data(), p.size, p.key);
        ++step_;
    }

    void finish() {
        for (place& p : places_) {
            require_intact(p);
            p.handle.reset();
        }
    }

private:
    static constexpr unsigned places = 6;
    struct place {
        synk::bytes handle;
        std::size_t size = 0;
        std::uint64_t key = 0;
    };

    static void require_intact(const place& p) {
        require(stamped(p.handle.data(), p.size, p.key), "a block keeps its contents while it is lent");
    }
    std::uint64_t random() { // xorshift64: Marsaglia, "Xorshift RNGs", 2003
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        return state_ ^= state_ << 17;
    }

    std::uint64_t key_;
    std::uint64_t state_ = key_ * 2 + 1;
    unsigned step_ = 0;
    place places_[places];
};

// One block of each size at the same time, with patterns.
inline void require_every_tier_works(std::uint64_t key) {
    synk::bytes held[std::size(every_tier)];
    for (std::size_t i = 0; i < std::size(every_tier); ++i) {
        held[i] = synk::get_sized_pool().get_sized(every_tier[i]);
        stamp(held[i].data(), every_tier[i], key + i);
    }
    for (std::size_t i = 0; i < std::size(every_tier); ++i)
        require(stamped(held[i].data(), every_tier[i], key + i), "blocks that are lent together do not overlap");
}

} // namespace synk_test
