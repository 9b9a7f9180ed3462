// The quarantine of hardened mode: what was put lies here for a while before it can be got again, filled with a mark.
// What has changed when it leaves was written to after its put. Guarded blocks lie here inaccessible.
//
// Bounded by options::quarantine and half of options::idle_limit, and counted as idle: what is in here has its
// reservation of the budget, but for guarded blocks, which have no memory. What is put beyond that pushes out what was
// put first. Under memory checkers nothing is filled: they see a touch at once.
// Thread safety: every function from any thread; lock-free.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/thread_cache.hpp>

namespace synk::inline v1::detail {

class quarantine {
public:
    // Takes a block that was put. False when there is no room for it: then it is still the caller's. Ends the process
    // when the block is here already.
    [[nodiscard]] static bool hold(block b) noexcept;
    // The same for a guarded block, which goes back to the system when there is no room.
    static void hold_guarded(held_block b) noexcept;

    // Lets go what no longer fits under the options.
    static void make_fit() noexcept;
    // Lets everything go.
    static void empty() noexcept;
    // The keeper's visit: lets go what has been here for weak_after (ns).
    static void age(std::uint64_t now) noexcept;

    // In the child of a fork: counts anew what lies here. What another thread was at then is nobody's.
    static void recount() noexcept;
    // Bytes that lie here, without guarded blocks: a recent value.
    [[nodiscard]] static std::size_t idle_bytes() noexcept;
};

} // namespace synk::inline v1::detail
