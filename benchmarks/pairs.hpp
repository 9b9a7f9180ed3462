// One thread: get and put of one size, of random sizes, of many at once; and what new memory costs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "child.hpp"
#include "measure.hpp"
#include "rows.hpp"
#include "sizes.hpp"

namespace bench {

// Goes round through table_length prepared sizes.
class size_cycle {
public:
    explicit size_cycle(std::span<const std::size_t> sizes, std::size_t first = 0) : sizes_(sizes), next_(first) {}
    [[nodiscard]] std::size_t operator()() { return sizes_[next_++ & (table_length - 1)]; }

private:
    std::span<const std::size_t> sizes_;
    std::size_t next_;
};

template <row R>
[[gnu::always_inline]] inline void get_and_put(std::size_t size) {
    auto held = R::get(size);
    touch(R::data(held));
    R::put(std::move(held));
}

// An eighth of the span before what is counted makes warm what the other rows' turns have cooled.
template <class Batch>
[[nodiscard]] tally run_warm(clock::duration span, Batch&& batch, time_source now = processor_time) {
    static_cast<void>(run_for(span / 8, batch, now));
    return run_for(span, batch, now);
}

// The size is opaque each time: to the compiler every get is of an unknown size, as in a program that serves any.
template <row R>
answer hot_pairs(std::size_t size, clock::duration span) {
    const auto pairs = [size](std::uint64_t operations) {
        std::size_t opaque = size; // in a register: the way through memory would take as long as the floor's pair
        for (std::uint64_t i = 0; i < operations; ++i) {
            make_opaque(opaque);
            get_and_put<R>(opaque);
        }
    };
    return {run_warm(span, pairs).ns_per_operation()};
}

template <row R>
answer random_pairs(std::span<const std::size_t> sizes, clock::duration span) {
    auto pairs = [next = size_cycle(sizes)](std::uint64_t operations) mutable {
        for (std::uint64_t i = 0; i < operations; ++i) get_and_put<R>(next());
    };
    static_cast<void>(run_for(span / 8, pairs)); // as above, and before the counts begin
    const auto calls = R::calls();
    const double bytes = new_bytes();
    const tally t = run_for(span, pairs);
    const auto operations = static_cast<double>(t.operations);
    return {t.ns_per_operation(), (new_bytes() - bytes) / operations,
            R::calls_per_get + static_cast<double>(R::calls() - calls) / operations};
}

// What puts itself when it dies is not put first and destroyed then, in two passes.
template <row R>
[[gnu::always_inline]] inline void put_all(std::vector<typename R::held>& held) {
    if constexpr (std::is_trivially_destructible_v<typename R::held>)
        for (auto& h : held) R::put(std::move(h));
    held.clear();
}

// `count` are held at once; the first one that was got is put first. Every burst asks for the next sizes of the list.
template <row R>
answer bursts(std::span<const std::size_t> sizes, std::size_t count, clock::duration span) {
    std::vector<typename R::held> held;
    held.reserve(count);
    size_cycle next(sizes);
    const auto burst = [&](std::uint64_t times) {
        for (std::uint64_t i = 0; i < times; ++i) {
            for (std::size_t k = 0; k < count; ++k) {
                held.push_back(R::get(next()));
                touch(R::data(held.back()));
            }
            put_all<R>(held);
        }
    };
    const bool is_of_one_size = std::ranges::adjacent_find(sizes, std::ranges::not_equal_to()) == sizes.end();
    burst(is_of_one_size ? 32 : 2 * table_length / count); // warm: every size was there twice
    const auto faults = page_faults();
    const tally t = run_for(span, burst);
    const auto new_faults = static_cast<double>(page_faults() - faults);
    return {t.ns_per_operation() / static_cast<double>(count), new_faults / static_cast<double>(t.operations)};
}

// None is put before the last one was touched, so every one is new memory.
template <row R>
answer first_touch(std::size_t size, std::size_t count) {
    constexpr std::size_t page = 4 * kib;
    std::vector<typename R::held> held;
    held.reserve(count);
    const auto faults = page_faults();
    const auto start = processor_time();
    for (std::size_t i = 0; i < count; ++i) {
        held.push_back(R::get(size));
        for (std::size_t at = 0; at < size; at += page) touch(R::data(held.back()) + at);
    }
    const double us = nanoseconds(processor_time() - start) / 1e3;
    const auto new_faults = static_cast<double>(page_faults() - faults);
    for (auto& h : held) R::put(std::move(h));
    return {us / static_cast<double>(count), new_faults / static_cast<double>(count)};
}

} // namespace bench
