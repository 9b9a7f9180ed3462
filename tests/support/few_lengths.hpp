// A thread that is served by few lengths, or by classes (size_map).
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/gets.hpp"
#include "support/pieces.hpp"

namespace synk_test {

inline std::size_t capacity_of(std::size_t n) { return get(n).capacity(); }

class FewLengths : public fresh_pool {
protected:
    static inside::size_map& sizes() { return inside::this_thread_start.sizes; }
    static inside::cache_record& own() { return *inside::thread_caches::own(); }

    // A get that this thread's cache cannot serve, of a size that has its class anyway.
    void miss() {
        const std::size_t n = ++missed_ * page;
        ASSERT_LE(n, 16 * page);
        const std::uint64_t hits = cache_hits();
        static_cast<void>(synk::get_sized_pool().get_sized(n));
        ASSERT_EQ(cache_hits(), hits);
    }
    // The same, and the thread looks how little is lent.
    void look() {
        own().missed_gets = 0;
        miss();
    }
    void leave_few_lengths() {
        const synk::bytes much = get(3 * little);
        static_cast<void>(get(100 * kib));
        ASSERT_FALSE(sizes().serves_few_lengths());
    }

    static constexpr std::size_t little = 128 * mib / 32;

private:
    std::size_t missed_ = 0;
};

} // namespace synk_test
