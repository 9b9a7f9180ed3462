// The operating system as the pool's memory sees it: a table of calls that a test can replace by its own, to refuse, to
// count or to keep another time. Nothing else maps or advises memory. Other calls of the system are made where they
// belong: by buffers that read and write descriptors, the keeper's thread and what tells it of memory pressure, and the
// line that reports misuse.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

enum class advice { weak, gone, gone_unless_locked, huge, no_huge };

struct system_calls {
    // Fresh zeroed memory, readable and writable, or address space without memory behind it; where the caller wishes,
    // if nothing is there, else anywhere. Null when refused.
    void* (*map)(std::size_t size, bool accessible, void* wish) noexcept;
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
    std::uint64_t (*now)() noexcept;            // nanoseconds, monotonic
    std::uint64_t (*processor_time)() noexcept; // nanoseconds that the calling thread has run
    unsigned (*processor)() noexcept;           // the one that it runs on: a recent value
    void (*yield)() noexcept;                   // lets another thread run there, if one is ready to
    void (*nap)() noexcept;                     // 50 us and what a timer is late: lets threads run anywhere
};

extern const system_calls linux_calls;

// How many processors the process may run on, at least 1: those of the thread that asks first, at load. A test says how
// many there are by a number that is not 0; relaxed.
extern constinit atomic<unsigned> known_processors;
[[nodiscard]] unsigned processors() noexcept;

// Bytes of a page of the system's; and the end of the process where those are not 4096: blocks of the pool could then
// neither be protected nor given back page by page.
[[nodiscard]] std::size_t system_page() noexcept;
void require_page(std::size_t bytes) noexcept;

// relaxed: replaced by tests before they start threads.
extern constinit atomic<const system_calls*> the_system;
[[nodiscard]] inline const system_calls& os() noexcept { return *the_system.load(memory_order_relaxed); }

} // namespace synk::inline v1::detail
