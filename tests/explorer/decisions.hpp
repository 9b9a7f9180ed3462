// Every choice of a schedule is made here: at random, by a systematic search, or as a recorded schedule made it.
//
// Choice 0 is always the plain one: the thread goes on, a load reads the newest store. So a recorded schedule may end
// early: from there on everything is plain.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "support/random.hpp"

namespace synk_explorer {

enum class choice : std::uint8_t {
    who,        // a thread has ended or waits: who goes on? Costs nothing
    preemption, // a thread could go on: does it?
    surprise,   // which store is read, where a store is entered, whether a weak compare-exchange fails for no reason
};

struct bounds {
    unsigned preemptions = 2;
    unsigned surprises = 1;
};

class decisions {
public:
    struct made {
        std::uint8_t chosen, options;
        choice kind;
    };

    void start_random(std::uint64_t seed) noexcept;
    void start_search(bounds most) noexcept;      // the first schedule of a systematic search
    [[nodiscard]] bool next_in_search() noexcept; // false when all schedules within the bounds were run
    void start_recorded(std::vector<std::uint8_t> recorded) noexcept;

    // One of `options` (at least one).
    [[nodiscard]] unsigned choose(unsigned options, choice kind) noexcept {
        if (options <= 1) return 0;
        const unsigned chosen = how_ == mode::random ? at_random(options, kind) : as_planned(options, kind);
        if (count_ < made_.size())
            made_[count_++] = {static_cast<std::uint8_t>(chosen), static_cast<std::uint8_t>(options), kind};
        return chosen;
    }
    [[nodiscard]] bool has_room() const noexcept { return count_ < made_.size(); }

    [[nodiscard]] std::vector<std::uint8_t> record() const;

private:
    enum class mode : std::uint8_t { random, search, recorded };

    [[nodiscard]] unsigned at_random(unsigned options, choice kind) noexcept;
    [[nodiscard]] unsigned as_planned(unsigned options, choice kind) noexcept;

    mode how_ = mode::random;
    std::size_t count_ = 0;
    std::size_t planned_ = 0; // decisions of the search that are repeated from the schedule before
    bounds most_;
    std::uint64_t rest_ = 0, calm_ = 0; // of 256 threads that go on, of 256 loads that read the newest
    synk_test::random_source random_{0};
    std::vector<std::uint8_t> recorded_;
    std::array<made, 1U << 15> made_{};
};

// As text, for the environment: a digit (or a small letter) each; "0x12." is twelve of them.
[[nodiscard]] std::string to_text(const std::vector<std::uint8_t>& record);
[[nodiscard]] std::vector<std::uint8_t> from_text(const std::string& text);

} // namespace synk_explorer
