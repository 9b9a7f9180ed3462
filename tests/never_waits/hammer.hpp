// Gets and puts as fast as they go, in ways that leave the hit path often: bursts beyond what a cache holds, sizes that
// split and restore, large blocks, bare pointers, growth, trims.
#pragma once

#include <cstdint>

#include "support/blocks.hpp"

namespace never_waits {

class hammer {
public:
    explicit hammer(std::uint64_t key) : state_(key * 2 + 1) {}

    // A burst of gets and their puts, and now and then one of the rarer operations. Calls no malloc.
    void step() {
        const unsigned count = 1 + static_cast<unsigned>(random() % held);
        for (unsigned i = 0; i < count; ++i) get(i);
        for (unsigned i = 0; i < count; ++i) put(i);
        switch (random() % 64) {
        case 0:
            synk::trim();
            break;
        case 1:
            synk::maintain();
            break;
        case 2:
            grow();
            break;
        default:
            carry_a_bare_pointer();
        }
    }

private:
    static constexpr unsigned held = 24;

    void get(unsigned i) {
        const std::size_t size = synk_test::every_tier[random() % std::size(synk_test::every_tier)];
        handles_[i] = synk::get_sized_pool().get_sized(size);
        keys_[i] = random();
        synk_test::fill({handles_[i].data(), 1}, keys_[i]);
    }
    void put(unsigned i) {
        synk_test::require(synk_test::first_broken({handles_[i].data(), 1}, keys_[i]) == synk_test::intact,
                           "a block keeps its contents while it is lent");
        handles_[i].reset();
    }
    void grow() {
        auto b = synk::get_sized_pool().get_sized(5'000'000);
        b.reserve(9'000'000);
    }
    void carry_a_bare_pointer() {
        void* const p = synk::get_sized_pool().allocate(70'000);
        synk::get_sized_pool().deallocate(p, 70'000);
    }
    std::uint64_t random() { // xorshift64: Marsaglia, "Xorshift RNGs", 2003
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        return state_ ^= state_ << 17;
    }

    std::uint64_t state_;
    std::uint64_t keys_[held] = {};
    synk::bytes handles_[held];
};

} // namespace never_waits
