// The keeper: gives back what stays idle, with no call into the library.
//
// It is a thread, because nothing else runs in a process that does nothing: timers deliver signals, which belong to
// the program. It is started when the first megabyte lies idle, has a small stack and no signals, and comes by four
// times in weak_after while anything is idle; then it sleeps until a put wakes it. Nobody waits for it: it is detached,
// uses only what outlives main(), and dies with the process. A forked child starts its own when it needs one.
// Switched off, its visits are made by maintain() and by the slow paths.
#pragma once

#include <cstddef>
#include <cstdint>

namespace synk::inline v1::detail {

class keeper {
public:
    // Called where memory has become idle; starts or wakes the keeper, or does its work when it is switched off.
    // A load in the usual case.
    static void note_idle() noexcept;

    // One visit, if the last one is a quarter of weak_after ago and nobody else is at it. Returns the bytes that went.
    static std::size_t visit_if_due(std::uint64_t now) noexcept;

    // Under pressure: all that is idle goes.
    static std::size_t relieve() noexcept;

    // Calls `look`, again if a visit was under way meanwhile: what that has in its hands is neither idle nor lent. Not
    // for ever: its thread may have lost its processor. `look` may be called up to a hundred times, 0.1 ms apart.
    template <class Look>
    static void look_between_visits(Look look) noexcept {
        for (int attempt = 0; attempt < 100; ++attempt) {
            if (attempt != 0) wait_a_moment();
            const std::uint64_t ended = visits_ended();
            look();
            if (visits_begun() == ended) return;
        }
    }

private:
    static std::uint64_t visits_ended() noexcept;
    static std::uint64_t visits_begun() noexcept;
    static void wait_a_moment() noexcept;
};

} // namespace synk::inline v1::detail
