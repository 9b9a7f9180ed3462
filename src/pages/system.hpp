// The operating system as synk sees it: a table of calls that a test can replace by its own, to refuse, to
// count or to keep another time. Nothing else in the library makes a system call, but for the one line that
// reports misuse.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

enum class advice { weak, gone, huge, no_huge };

struct system_calls {
    // Fresh zeroed memory, readable and writable, or address space without memory behind it. Null when
    // refused.
    void* (*map)(std::size_t size, bool accessible) noexcept;
    bool (*unmap)(void* at, std::size_t size) noexcept;
    bool (*make_accessible)(void* at, std::size_t size) noexcept;
    // What is there loses its memory, and a touch of it is a fault.
    bool (*make_inaccessible)(void* at, std::size_t size) noexcept;
    bool (*advise)(void* at, std::size_t size, advice what) noexcept;
    // Changes the size of a mapping: in place when target is null, else moves it to target, which is
    // replaced.
    void* (*remap)(void* at, std::size_t size, std::size_t new_size, void* target) noexcept;
    // Every running thread of the process passes a full barrier before this returns. False when refused.
    bool (*barrier)() noexcept;
    bool (*register_barrier)() noexcept;
    std::uint64_t (*now)() noexcept; // nanoseconds, monotonic
};

extern const system_calls linux_calls;

// relaxed: replaced by tests before they start threads.
extern constinit atomic<const system_calls*> the_system;
[[nodiscard]] inline const system_calls& os() noexcept { return *the_system.load(memory_order_relaxed); }

} // namespace synk::inline v1::detail
