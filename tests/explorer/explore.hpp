// Searching the schedules of a world for one that breaks a promise.
//
// A world is a class: its constructor makes the state, thread(i) is what thread i does, finish() looks at the result.
// require() states what must hold. A new world is made for every schedule; what it shares with nobody (its members that
// are neither atomic nor plain<T>) may be written by one thread and read by finish().
//
//     struct message_passing {
//         static constexpr unsigned threads = 2;
//         void thread(unsigned i);
//         void finish();                      // or finish(unsigned waiting): some threads may wait for ever
//     };
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "explorer/machine.hpp"

namespace synk_explorer {

inline void require(bool holds, const char* promise) noexcept {
    if (!holds) the_machine.fail(promise);
}

template <class World>
struct world_of {
    static void begin() { new (storage_) World; }
    static void run(unsigned thread) { world().thread(thread); }
    static void end(unsigned waiting) {
        if constexpr (requires { world().finish(waiting); }) {
            world().finish(waiting);
        } else {
            require(waiting == 0, "a thread waits, and nobody is left who could wake it");
            world().finish();
        }
    }

private:
    static World& world() { return *std::launder(reinterpret_cast<World*>(storage_)); }
    alignas(World) static inline std::byte storage_[sizeof(World)];
};

template <class World>
[[nodiscard]] program program_of(const char* name) {
    return {name, World::threads, world_of<World>::begin, world_of<World>::run, world_of<World>::end};
}

struct effort {
    std::uint64_t schedules = 100'000;
    double seconds = 10;
};

struct findings {
    bool failed = false;
    bool complete = false;       // a systematic search that came to its end
    std::uint64_t schedules = 0; // that were run
    std::uint64_t cut = 0;       // of them, given up for lack of room
    double seconds = 0;
    std::vector<std::uint8_t> record; // of the schedule that failed
};

[[nodiscard]] findings explore_at_random(const program& p, const effort& most, std::uint64_t seed);
[[nodiscard]] findings explore_all(const program& p, bounds within, const effort& most);

// The shortest and plainest schedule with the same failure that is found by leaving things out.
[[nodiscard]] std::vector<std::uint8_t> shrunk(const program& p, std::vector<std::uint8_t> record);

// What went wrong, how to see it again, and every step on the way.
[[nodiscard]] std::string report(const program& p, const std::vector<std::uint8_t>& record);

// For a test: the world keeps its promises, as far as this search comes; SYNK_LONG=1 in the environment makes it go
// farther. SYNK_SCHEDULE=name:record replays that schedule instead. Returns an empty text, or the report.
[[nodiscard]] std::string broken(const program& p, bounds within, double seconds_at_random = 0.3);

} // namespace synk_explorer
