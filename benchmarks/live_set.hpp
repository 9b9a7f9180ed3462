// Buffers that a measured process holds, as a busy program would: some come, some go, every byte is written.
#pragma once

#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "child.hpp"
#include "measure.hpp"
#include "rows.hpp"
#include "sizes.hpp"

namespace bench {

// Sizes, and which buffer is put next, come from the seed alone: every allocator is asked for the same.
template <row R>
class live_set {
public:
    explicit live_set(std::uint64_t seed) : sizes_(mixed_jobs(seed)), random_(seed) {
        live_.reserve(table_length);
        used_.reserve(use_count);
    }

    answer settle(std::uint64_t bytes) {
        while (held_bytes_ > bytes) put_one();
        while (held_bytes_ < bytes) get_one();
        return {held()};
    }
    answer churn(std::uint64_t bytes) {
        const auto start = processor_time();
        for (std::size_t count = live_.size() / 4; count != 0; --count) put_one();
        static_cast<void>(settle(bytes));
        return {held(), nanoseconds(processor_time() - start) / 1e6};
    }
    // The same sizes each time.
    answer timed_use() {
        const auto faults = page_faults();
        const auto start = processor_time();
        for (std::size_t i = 0; i < use_count; ++i) used_.push_back(get_written(sizes_[i].size));
        const auto elapsed = processor_time() - start;
        const auto new_faults = static_cast<double>(page_faults() - faults);
        for (lent& l : used_) R::put(std::move(l.held));
        used_.clear();
        return {held(), nanoseconds(elapsed) / 1e6, new_faults};
    }

private:
    static constexpr std::size_t use_count = 64;

    struct lent {
        typename R::held held;
        std::size_t size;
    };

    [[nodiscard]] double held() const { return static_cast<double>(held_bytes_); }

    static lent get_written(std::size_t size) {
        lent l{R::get(size), size};
        std::memset(R::data(l.held), 1, size);
        keep(R::data(l.held));
        return l;
    }

    void get_one() {
        live_.push_back(get_written(sizes_[next_++ & (table_length - 1)].size));
        held_bytes_ += live_.back().size;
    }
    void put_one() {
        std::swap(live_[random_() % live_.size()], live_.back());
        held_bytes_ -= live_.back().size;
        R::put(std::move(live_.back().held));
        live_.pop_back();
    }

    std::vector<job> sizes_;
    std::mt19937_64 random_;
    std::vector<lent> live_;
    std::vector<lent> used_;
    std::size_t next_ = 0;
    std::uint64_t held_bytes_ = 0;
};

} // namespace bench
