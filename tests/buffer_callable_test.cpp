// What buffer.hpp promises of callables that fill a buffer or take from it.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "buffer_helpers.hpp"

namespace {

using namespace buffer_helpers;

// --- Callables ---

struct failure {};

// A source that gives out `contents` in pieces of at most `piece` bytes and remembers what it was offered.
struct pieces {
    std::string_view contents;
    std::size_t piece;
    std::size_t least_offered = too_large;

    std::size_t operator()(std::span<std::byte> into) {
        least_offered = std::min(least_offered, into.size());
        const std::size_t n = std::min({piece, into.size(), contents.size()});
        std::copy_n(raw(contents).begin(), n, into.begin());
        contents.remove_prefix(n);
        return n;
    }
};

TEST(buffer, reads_a_source_to_its_end) {
    const std::string contents = letters(50'000);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{511}, page, too_large}) {
        buffer b = partly_read("xy", 1);
        pieces source{contents, piece};
        EXPECT_EQ(b.read_from(source), contents.size());
        EXPECT_TRUE(b.view() == "y" + contents);
        EXPECT_GE(source.least_offered, buffer::min_read);
    }
}

TEST(buffer, offers_a_source_all_the_room_that_there_is) {
    buffer b = synk::get_sized_pool().get_sized_buffer(100'000);
    const std::size_t room = b.available();
    b.write("x");
    b.read_from([&](std::span<std::byte> into) {
        EXPECT_EQ(into.size(), room - 1);
        return 0;
    });
    b.next(1);
    b.read_from([&](std::span<std::byte> into) {
        EXPECT_EQ(into.size(), room) << "drained";
        return 0;
    });
}

TEST(buffer, does_not_grow_for_a_source_with_min_read_to_spare) {
    const std::string contents = letters(page);
    buffer fits;
    fits.read_from(pieces{std::string_view(contents).substr(buffer::min_read), 100});
    EXPECT_EQ(fits.capacity(), page);
    buffer grows;
    grows.read_from(pieces{std::string_view(contents).substr(buffer::min_read - 1), 100});
    EXPECT_EQ(grows.capacity(), 2 * page);
}

TEST(buffer, stays_empty_after_an_empty_source) {
    buffer b;
    EXPECT_EQ(b.read_from(pieces{"", 1}), 0U);
    EXPECT_TRUE(b.empty());
    EXPECT_FALSE(b.read_byte());
}

TEST(buffer, keeps_what_came_before_a_source_threw) {
    buffer b("old ");
    int calls = 0;
    EXPECT_THROW(b.read_from([&](std::span<std::byte> into) -> std::size_t {
        into[0] = std::byte{'x'};
        if (++calls == 3) throw failure();
        return 1;
    }),
                 failure);
    EXPECT_EQ(b.view(), "old xx");
    b.write("!");
    EXPECT_EQ(b.view(), "old xx!");
}

TEST(buffer, refuses_a_source_that_claims_too_much) {
    buffer b("old");
    EXPECT_THROW(b.read_from([](std::span<std::byte> into) { return into.size() + 1; }), std::out_of_range);
    EXPECT_THROW(b.read_from([](std::span<std::byte>) { return -1; }), std::out_of_range);
    EXPECT_EQ(b.view(), "old");
    b.read_from(
        [first = true](std::span<std::byte> into) mutable { return std::exchange(first, false) ? into.size() : 0; });
    EXPECT_GT(b.size(), 3U) << "all that was offered is no lie";
}

TEST(buffer, drains_into_a_sink) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, too_large}) {
        buffer b = partly_read(letters(10'000), 10);
        std::string got;
        EXPECT_EQ(b.write_to([&](std::span<const std::byte> data) {
            EXPECT_FALSE(data.empty());
            got += text(data.first(std::min(piece, data.size())));
            return std::min(piece, data.size());
        }),
                  9990U);
        EXPECT_TRUE(got == letters(10'000).substr(10));
        EXPECT_TRUE(b.empty());
        EXPECT_EQ(b.available(), b.capacity()) << "drained: at the front again";
    }
}

TEST(buffer, does_not_call_a_sink_for_nothing) {
    buffer b = partly_read("abc", 3);
    EXPECT_EQ(b.write_to([](std::span<const std::byte>) -> std::size_t { throw failure(); }), 0U);
    EXPECT_EQ(b.available(), b.capacity());
}

TEST(buffer, keeps_what_a_sink_does_not_take) {
    buffer b("abcdef");
    std::size_t room = 4;
    EXPECT_EQ(b.write_to([&](std::span<const std::byte> data) {
        return std::exchange(room, room - std::min({room, data.size(), std::size_t{3}})) - room;
    }),
              4U);
    EXPECT_EQ(b.view(), "ef");
}

TEST(buffer, keeps_what_a_sink_had_not_reported_when_it_threw) {
    buffer b("abcdef");
    int calls = 0;
    EXPECT_THROW(b.write_to([&](std::span<const std::byte>) -> std::size_t {
        if (++calls == 3) throw failure();
        return 2;
    }),
                 failure);
    EXPECT_EQ(b.view(), "ef");
}

TEST(buffer, refuses_a_sink_that_claims_too_much) {
    buffer b("abc");
    EXPECT_THROW(b.write_to([](std::span<const std::byte> data) { return data.size() + 1; }), std::out_of_range);
    EXPECT_THROW(b.write_to([](std::span<const std::byte>) { return -1; }), std::out_of_range);
    EXPECT_EQ(b.view(), "abc");
}

TEST(buffer, moves_from_one_buffer_to_another) {
    buffer from = partly_read(letters(20'000), 1);
    buffer to("x");
    EXPECT_EQ(to.read_from([&](std::span<std::byte> into) { return from.read(into); }), 19'999U);
    EXPECT_TRUE(to.view() == "x" + letters(20'000).substr(1));
    EXPECT_EQ(to.write_to([&](std::span<const std::byte> data) {
        from.write(data);
        return data.size();
    }),
              20'000U);
    EXPECT_TRUE(from.view() == "x" + letters(20'000).substr(1));
}

} // namespace
