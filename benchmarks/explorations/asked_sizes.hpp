// What the explorations ask for: as ./bench, without its dependencies.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace explore {

inline constexpr std::size_t size_count = 8192;

[[nodiscard]] inline std::vector<std::size_t> uniform_sizes(std::size_t most) {
    std::mt19937_64 random(1);
    std::vector<std::size_t> sizes(size_count);
    for (auto& size : sizes) size = 1 + random() % most;
    return sizes;
}
// Half of them to 32 KiB, 30 % to 256 KiB, the others to 4 MiB: the mix of ./bench.
[[nodiscard]] inline std::vector<std::size_t> mixed_sizes() {
    std::mt19937_64 random(1);
    const auto between = [&](std::size_t a, std::size_t b) { return (a + random() % (b - a + 1)) << 10; };
    std::vector<std::size_t> sizes(size_count);
    for (auto& size : sizes) {
        const auto p = random() % 100;
        size = p < 50 ? between(4, 32) : p < 80 ? between(32, 256) : between(256, 4096);
    }
    return sizes;
}

} // namespace explore
