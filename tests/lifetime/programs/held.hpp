// An object that holds blocks from its constructor to its destructor, and uses the pool in both.
#pragma once

#include <cstdint>
#include <cstdio>

#include "support/blocks.hpp"

struct held {
    held(const char* its_name, std::uint64_t its_key) : name(its_name), key(its_key) {
        synk_test::require_every_tier_works(key);
        small = synk::get_sized_pool().get_sized(5000);
        large = synk::get_sized_pool().get_sized(6'000'000);
        synk_test::stamp(small.data(), 5000, key);
        synk_test::stamp(large.data(), 6'000'000, key + 1);
        std::printf("made %s\n", name);
    }
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    ~held() {
        synk_test::require(synk_test::stamped(small.data(), 5000, key), "a handle keeps its contents until its end");
        synk_test::require(synk_test::stamped(large.data(), 6'000'000, key + 1), "a large one too");
        small.reset();
        synk_test::require_every_tier_works(key);
        std::printf("gone %s\n", name);
    } // large puts itself

    const char* name;
    std::uint64_t key;
    synk::bytes small, large;
};
