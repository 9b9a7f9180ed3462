#include "work.hpp"

#include <cstring>
#include <numeric>

#include "measure.hpp"

namespace bench {

std::uint64_t light_pass(std::span<const std::byte> buffer) {
    return std::accumulate(buffer.begin(), buffer.end(), std::uint64_t{0},
                           [](std::uint64_t sum, std::byte b) { return sum + std::to_integer<unsigned>(b); });
}

std::uint64_t medium_pass(std::span<std::byte> buffer) {
    std::memset(buffer.data(), static_cast<int>(buffer.size() % 251), buffer.size());
    keep(buffer.data());
    return light_pass(buffer);
}

std::uint64_t heavy_passes(std::span<const std::byte> buffer) {
    std::uint64_t hash = 0xcbf29ce484222325; // FNV's offset basis and prime
    for (int pass = 0; pass < 3; ++pass)
        for (const std::byte b : buffer) hash = (hash ^ std::to_integer<unsigned>(b)) * 0x100000001b3;
    return hash;
}

std::uint64_t do_work(effort how, std::span<std::byte> buffer) {
    switch (how) {
    case effort::light:
        return light_pass(buffer);
    case effort::medium:
        return medium_pass(buffer);
    case effort::heavy:
        break;
    }
    return heavy_passes(buffer);
}

} // namespace bench
