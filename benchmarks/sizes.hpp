// What is asked for: prepared before anything is timed, the same in every run with the same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;
inline constexpr std::size_t gib = 1024 * mib;

inline double as_mib(std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(mib); }

// A power of two, so that a loop can go round by masking.
inline constexpr std::size_t table_length = 8192;

// table_length sizes, each from 1 to `limit` bytes with the same probability.
[[nodiscard]] std::vector<std::size_t> uniform_sizes(std::size_t limit, std::uint64_t seed);

// What a worker does with a buffer between get and put.
enum class effort : std::uint8_t { light, medium, heavy };

struct job {
    std::size_t size; // bytes
    effort work;
};

// The third table's mix. Sizes: 50 % 4-32 KiB, 30 % 32-256 KiB, 20 % 256 KiB - 4 MiB, uniform inside each.
// Work: 60 % light, 30 % medium, 10 % heavy.
[[nodiscard]] std::vector<job> mixed_jobs(std::uint64_t seed);

// "64 KiB", "4 MiB".
[[nodiscard]] std::string size_name(std::size_t bytes);

} // namespace bench
