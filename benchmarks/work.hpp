// What the workers of the third table compute on their buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sizes.hpp"

namespace bench {

// Light: every byte is read once and summed.
[[nodiscard]] std::uint64_t light_pass(std::span<const std::byte> buffer);
// Medium: every byte is written, then read once and summed.
[[nodiscard]] std::uint64_t medium_pass(std::span<std::byte> buffer);
// Heavy: three times FNV-1a over the bytes one by one, each pass from the last one's hash.
[[nodiscard]] std::uint64_t heavy_passes(std::span<const std::byte> buffer);

[[nodiscard]] std::uint64_t do_work(effort how, std::span<std::byte> buffer);

} // namespace bench
