// What a program of the model does next: drawn from a seed, or read from the bytes that a fuzzer makes up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "support/random.hpp"

namespace synk_model {

class choices {
public:
    explicit choices(std::uint64_t seed) : random_(seed) {}
    // Few bytes a choice, so that what a fuzzer changes changes one thing. Past the end every choice is 0.
    explicit choices(std::span<const std::uint8_t> bytes) : random_(0), bytes_(bytes), from_bytes_(true) {}

    // Never so for a seed.
    [[nodiscard]] bool ended() const { return from_bytes_ && bytes_.empty(); }

    // 0 .. n-1, for n > 0.
    std::size_t below(std::size_t n) {
        if (!from_bytes_) return random_.below(n);
        std::uint64_t value = 0;
        for (std::size_t left = n - 1; left != 0; left >>= 8) value = value << 8 | next_byte();
        return value % n;
    }
    std::size_t between(std::size_t least, std::size_t most) { return least + below(most - least + 1); }
    // The rare case is not the one that the end of the bytes chooses.
    bool one_in(std::size_t n) { return below(n) == n - 1; }

private:
    std::uint64_t next_byte() {
        if (bytes_.empty()) return 0;
        const std::uint8_t byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return byte;
    }

    synk_test::random_source random_;
    std::span<const std::uint8_t> bytes_;
    bool from_bytes_ = false;
};

} // namespace synk_model
