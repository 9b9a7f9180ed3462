// What can be set, and what it does.
#pragma once

#include <chrono>
#include <cstddef>

#include <synk/detail/config.hpp>

namespace synk {
inline namespace v1 {

// Huge pages (2 MiB) for the pool's own mappings, by madvise.
enum class huge_pages {
    automatic, // where a mapping is likely to be used in full: large blocks, and chunks from the second on
    on,        // for every mapping
    off        // for none; chunks are advised so, for large blocks the system's own setting holds
};

// Every option can also be given in the environment, as SYNK_ and its name in capitals, `huge` as SYNK_HUGE_PAGES:
// SYNK_IDLE_LIMIT=256M, SYNK_WEAK_AFTER=500ms, SYNK_GONE_AFTER=10s, SYNK_HUGE_PAGES=on, SYNK_KEEPER=off, ... Numbers
// take K, M, G, times ms and s, the others on and off (huge pages also automatic). What cannot be read is ignored with
// one line on standard error. The environment is read once, when the library is loaded: setenv() in main() comes too
// late and does nothing. configure() wins over it. A program with more privileges than its caller (setuid and the like)
// does not read it.
struct options {
    // Bytes: the most that may lie idle and resident in the pool, the caches of all threads included. What does
    // not fit goes back to the system at once. Where more than half as much is lent, less lies idle beside it
    // (docs/giving-back.md). 0 keeps nothing. Default 128 MiB, at most 2^46.
    std::size_t idle_limit = std::size_t{128} << 20;
    // After how long the system may take idle memory that stays untouched if it needs it (MADV_FREE: nothing is lost
    // in speed while it does not); some of it from a quarter of that on. 4 ms to 1 day, and at most gone_after.
    std::chrono::milliseconds weak_after{400};
    // How long before its memory is given back outright. At least weak_after, at most 1 day.
    std::chrono::milliseconds gone_after{5000};
    huge_pages huge = huge_pages::automatic;
    // A thread of the library's own does the above with no call into it. It is started when the first idle
    // megabyte is there and sleeps while nothing is idle. Without it the slow paths do its work, and maintain().
    bool keeper = true;
    // A fork finds no idle memory to copy: all of it is given back first. Otherwise only what is weak.
    bool trim_on_fork = false;
    // Every get hands out zeros. Costs a memset of the block.
    bool zero_on_get = false;
    // Every put overwrites the whole block with zeros before anybody else can get it: for secrets.
    bool clear_on_put = false;

    // Hardened mode, for finding misuse (docs/misuse.md has what it finds and what it costs): every get and put takes
    // the slow way, some blocks are guarded, and what was put is kept from reuse for a while.
    bool hardened = false;
    // Of so many blocks, in hardened mode, one is guarded: a mapping of its own, exactly as long as was asked for, with
    // inaccessible memory before and behind it, and inaccessible itself from its put on. 1 guards all, 0 none. At most
    // 1,000,000.
    std::size_t guard_sample = 256;
    // Bytes: the most that hardened mode keeps from reuse. A block that leaves is checked for a write after its put.
    // They count as idle, and are half of idle_limit at most. At most 2^46.
    std::size_t quarantine = std::size_t{16} << 20;

    friend bool operator==(const options&, const options&) = default;
};

// Sets all options for the whole process, from now on: what is left at its default is set to that, whatever was given
// in the environment; to change one, start from current_options(). May be called at any time and from any thread (of
// two calls at the same time either may set an option last). What lies idle beyond a lowered idle_limit is given back
// before it returns, as by trim(). Throws std::invalid_argument with the name of the option, its range and the value
// when that is outside of it, and then changes nothing.
SYNK_API void configure(const options& wanted);
// The options in force.
[[nodiscard]] SYNK_API options current_options() noexcept;

// The four that follow may be called at any time and from any thread.
//
// What the keeper would do now, for a program that has switched it off: to be called every weak_after / 4 or so. A
// call that comes early does nothing. Returns the bytes that it gave back.
SYNK_API std::size_t maintain() noexcept;

// A file descriptor for the program's own event loop, which becomes readable (POLLIN) under memory pressure, or -1
// when the system tells nobody, there is no descriptor left (call again), or another thread is just opening it. It
// stays the library's: do not close or read it. In the child of a fork it is closed; call this again there. When it is
// readable call on_pressure(), which gives back all that is idle and returns how many bytes that was. With the keeper
// running neither is needed. The sources are MEMORY_PRESSURE_WATCH (as the environment said when the library was
// loaded), the process's cgroup, and /proc/pressure/memory. Once all have ended, or the program has closed their
// descriptors (closefrom), it is -1.
[[nodiscard]] SYNK_API int pressure_fd() noexcept;
SYNK_API std::size_t on_pressure() noexcept;

// Gives idle memory back to the system, the caches of other threads included, until at most `keep` bytes lie
// idle and resident; done when it returns. Returns how many bytes it gave back. A thread that was stopped inside of a
// get or put is let run for a moment, but not waited for: until it goes on it keeps its blocks of that one size, in a
// slow path all of its cache.
SYNK_API std::size_t trim(std::size_t keep = 0) noexcept;

} // namespace v1
} // namespace synk
