// options::zero_on_get and options::clear_on_put of <synk/options.hpp>: what each of them says.
#include <synk/options.hpp>

#include <vector>

#include <gtest/gtest.h>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/pattern.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class Contents : public fresh_pool {
protected:
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    static std::span<std::byte> whole(synk::bytes& b) { return {b.data(), b.capacity()}; }
};

// ---- zero_on_get ----

synk::options zeroing() {
    synk::options o = quiet();
    o.zero_on_get = true;
    return o;
}

class ZeroOnGet : public Contents {
protected:
    // Leaves dirty blocks of these sizes in the pool, in this thread's cache and in what all share.
    static void dirty(const std::vector<std::size_t>& sizes) {
        synk::configure(quiet());
        for (const std::size_t n : sizes) {
            std::vector<synk::bytes> held;
            for (int i = 0; i < 3; ++i) {
                held.push_back(get(n));
                fill(whole(held.back()), n + 1);
            }
        }
        synk::configure(zeroing());
    }
    static std::vector<std::size_t> sizes() {
        std::vector<std::size_t> all;
        for (unsigned cls = 0; cls < inside::chunk_class_count + inside::class_fan; ++cls)
            all.push_back(inside::class_bytes(cls) - 100);
        return all;
    }
};

TEST_F(ZeroOnGet, EveryGetHandsOutZerosInAllItsCapacity) {
    const std::vector<std::pair<const char*, std::function<synk::bytes(std::size_t)>>> ways{
        {"get_sized", [](std::size_t n) { return get(n); }},
        {"try_get_sized", [](std::size_t n) { return synk::get_sized_pool().try_get_sized(n); }},
        {"get_at_least", [](std::size_t n) { return synk::get_unsized_pool().get_at_least(n); }},
        {"allocate", [](std::size_t n) { return synk::bytes::adopt(synk::get_sized_pool().allocate(n)); }},
    };
    for (const auto& [name, way] : ways) {
        dirty(sizes());
        for (const std::size_t n : sizes()) {
            synk::bytes b = way(n);
            EXPECT_TRUE(all_zero(whole(b))) << name << " " << n;
        }
    }
    dirty({page});
    synk::bytes b = synk::get_unsized_pool().get();
    EXPECT_TRUE(all_zero(whole(b))) << "get";
    b = synk::get_unsized_pool().try_get();
    EXPECT_TRUE(all_zero(whole(b))) << "try_get";
}

TEST_F(ZeroOnGet, WhatComesByGrowthIsZeroToo) {
    for (const std::size_t from : {page, 100 * kib, 4 * mib, 6 * mib})
        for (const std::size_t to : {200 * kib, 4 * mib, 5 * mib, 10 * mib, 30 * mib}) {
            if (to <= from) continue;
            dirty({to});
            synk::bytes b = get(from);
            fill(b, 1);
            b.resize(to);
            EXPECT_EQ(first_broken(std::span(b).first(from), 1), intact);
            EXPECT_TRUE(all_zero(whole(b).subspan(from))) << from << " to " << to;
        }
}

TEST_F(ZeroOnGet, WhatAppendLeavesFreeIsZeroToo) {
    for (const std::size_t n : {page, 100 * kib, 4 * mib, 6 * mib}) {
        dirty({2 * n});
        synk::bytes b = get(n);
        b.resize(b.capacity());
        fill(b, 1);
        const std::size_t used = b.size() + 1;
        b.append("x");
        EXPECT_TRUE(all_zero(whole(b).subspan(used))) << n;
    }
}

TEST_F(ZeroOnGet, EndsWithTheOption) {
    synk::configure(zeroing());
    synk::bytes b = get(page);
    fill(b, 1);
    const std::byte* const data = b.data();
    b.reset();
    synk::configure(quiet());
    b = get(page);
    if (b.data() != data || slowness() != 1) GTEST_SKIP() << "not the same block, or a tool overwrites it";
    EXPECT_EQ(first_broken(b, 1), intact) << "the option is off, and still a get costs a memset";
}

// ---- clear_on_put ----

synk::options clearing() {
    synk::options o = quiet();
    o.clear_on_put = true;
    return o;
}

class ClearOnPut : public Contents {
protected:
    void SetUp() override {
        Contents::SetUp();
        synk::configure(clearing());
    }
    // Gets blocks of n bytes until it is the one at `data`.
    static synk::bytes get_again(std::size_t n, const std::byte* data) {
        std::vector<synk::bytes> others;
        for (int i = 0; i < 2'000; ++i) {
            synk::bytes b = get(n);
            if (b.data() == data) return b;
            others.push_back(std::move(b));
        }
        return {};
    }
};

TEST_F(ClearOnPut, TheWholeBlockIsZeroBeforeAnybodyElseGetsIt) {
    for (unsigned cls = 0; cls < inside::chunk_class_count + 4; ++cls) {
        const std::size_t n = inside::class_bytes(cls);
        synk::bytes b = get(n - 100);
        const std::byte* const data = b.data();
        fill(whole(b), 1);
        b.reset();
        b = get_again(n, data);
        ASSERT_TRUE(b) << "the block has gone elsewhere: look there";
        EXPECT_TRUE(all_zero(whole(b))) << n;
    }
}

TEST_F(ClearOnPut, WhereverItIsPut) {
    const std::vector<std::pair<const char*, std::function<void(synk::bytes)>>> ways{
        {"destructor", [](const synk::bytes&) {}},
        {"put", [](synk::bytes b) { synk::get_unsized_pool().put(std::move(b)); }},
        {"deallocate", [](synk::bytes b) { synk::get_sized_pool().deallocate(b.release(), 0); }},
        {"reserve", [](synk::bytes b) { b.reserve(b.capacity() + 1); }},
        {"append", [](synk::bytes b) { b.append(std::span<const std::byte>(b)); }},
        {"assignment", [](synk::bytes b) { b = synk::bytes(); }},
    };
    for (const auto& [name, put] : ways) {
        synk::bytes b = get(20 * page);
        const std::byte* const data = b.data();
        fill(whole(b), 1);
        b.resize(b.capacity());
        put(std::move(b));
        b = get_again(20 * page, data);
        ASSERT_TRUE(b) << name;
        EXPECT_TRUE(all_zero(whole(b))) << name;
    }
}

TEST_F(ClearOnPut, AnotherThreadFindsNothing) {
    synk::bytes b = get(20 * page);
    fill(whole(b), 1);
    const std::byte* const data = b.data();
    worker other;
    other.run([&] {
        b.reset();
        b = get_again(20 * page, data);
    });
    ASSERT_TRUE(b);
    EXPECT_TRUE(all_zero(whole(b)));
}

} // namespace
