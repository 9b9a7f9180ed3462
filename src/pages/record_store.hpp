// Memory for the pool's own records: zeroed, never given back, apart from the blocks and with an inaccessible
// page on either side, so that no overrun of a user's block runs into it.
#pragma once

#include <cstddef>

namespace synk::inline v1::detail {

// Zeroed memory for `size` bytes on a 64-byte boundary; null when the system has none. Lock-free.
[[nodiscard]] void* take_record_memory(std::size_t size) noexcept;

} // namespace synk::inline v1::detail
