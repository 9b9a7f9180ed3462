// Guarded blocks: a mapping of its own for each, with nothing accessible around it.
//
//     4 MiB boundary                                             4 MiB boundary
//     | no access, 1 MiB | asked-for bytes | mark | no access, at least 1 MiB |
//                        4096 boundary            4096 boundary
//
// A touch before the block or behind its last page is a fault there and then; the mark between the last byte and the
// page's end is checked at the put. From the put on the whole place is inaccessible, and has no memory: a touch after
// the put is a fault, and so it stays until the block leaves the quarantine and is unmapped.
// Thread safety: every function from any thread; lock-free but for the system calls.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/thread_cache.hpp>

namespace synk::inline v1::detail {

enum class guarded_state : std::uint8_t { unused, in_handle, bare, retired };

// Record of a guarded block; its owner writes it, anybody who checks a pointer reads it.
struct alignas(64) guarded_block {
    explicit guarded_block(unsigned number) noexcept : id(number) {}
    const unsigned id;
    atomic<guarded_state> state{guarded_state::unused};
    atomic<std::byte*> data{nullptr};
    atomic<std::size_t> size{0}; // bytes, as asked for
};

class guarded_blocks {
public:
    // A fresh one, if hardened mode is on and it is the turn of a guarded block; or none, also when the system refuses.
    [[nodiscard]] static held_block get(std::size_t n) noexcept;

    // At its put: ends the process if something was written behind it, or if it was put before. Inaccessible from now
    // on, but still the pool's. False when the system refused that.
    [[nodiscard]] static bool retire(std::byte* data) noexcept;
    // Bytes of its pages.
    [[nodiscard]] static std::size_t whole_size(const std::byte* data) noexcept;
    // A retired block goes back to the system. Returns how many bytes its pages have.
    static std::size_t unmap_retired(std::byte* data) noexcept;
};

} // namespace synk::inline v1::detail
