// Touches of a block that was put.
#pragma once

#include <thread>

#include "misuse/programs/misuse.hpp"

namespace synk_test {

namespace uses_after_put {

inline void* got_and_put(std::size_t n = some_size) { return synk::get_sized_pool().get_sized(n).data(); }

inline void by_writing() { write_to(got_and_put(), 100); }
inline void by_reading() { read_from(got_and_put(), 100); }
inline void by_writing_in_a_thread() {
    void* const p = got_and_put();
    std::thread([p] { write_to(p, 100); }).join();
}
inline void by_reading_in_a_thread() {
    void* const p = got_and_put();
    std::thread([p] { read_from(p, 100); }).join();
}
inline void after_a_put_in_a_thread() {
    void* const p = synk_get(some_size);
    std::thread([p] { synk_put(p); }).join();
    write_to(p, 100);
}
inline void of_large_block() { write_to(got_and_put(std::size_t{6} << 20), 1 << 20); }
inline void after_growth() {
    synk::bytes b = synk::get_sized_pool().get_sized(some_size);
    std::byte* const old = b.data();
    b.resize(10 * some_size);
    write_to(old, 100);
}

inline synk::bytes next;
inline void after_a_get() {
    void* const p = got_and_put();
    next = synk::get_sized_pool().get_sized(some_size);
    write_to(p, 100);
}
inline void put_next() {
    next.reset();
    everything_leaves();
}

inline void after_trim() {
    void* const p = got_and_put();
    synk::trim();
    write_to(p, 100);
}

} // namespace uses_after_put

inline constexpr misuse use_after_put_programs[] = {
    {"write", uses_after_put::by_writing, everything_leaves, found::never, found::later, found::at_touch},
    {"read", uses_after_put::by_reading, everything_leaves, found::never, found::never, found::at_touch},
    {"write by another thread", uses_after_put::by_writing_in_a_thread, everything_leaves, found::never, found::later,
     found::at_touch},
    {"read by another thread", uses_after_put::by_reading_in_a_thread, everything_leaves, found::never, found::never,
     found::at_touch},
    {"write after a put by another thread", uses_after_put::after_a_put_in_a_thread, everything_leaves, found::never,
     found::later, found::at_touch},
    {"write to a large block", uses_after_put::of_large_block, everything_leaves, found::never, found::later,
     found::at_touch},
    {"write to the place before a growth", uses_after_put::after_growth, everything_leaves, found::never, found::later,
     found::at_touch},
    {"write after the next get of that size", uses_after_put::after_a_get, uses_after_put::put_next, found::never,
     found::later, found::at_touch},
    {"write after a trim", uses_after_put::after_trim, everything_leaves, found::never, found::never, found::at_touch},
};

} // namespace synk_test
