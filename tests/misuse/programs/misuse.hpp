// A program that misuses the pool, and what is said of it in docs/misuse.md.
#pragma once

#include <cstddef>

#include <synk/pool.hpp>
#include <synk/synk.h>

namespace synk_test {

// How the misuse comes to light.
enum class found {
    at_put,   // that very put, or adoption, ends the process with a line
    at_touch, // that very read or write ends the process by SIGSEGV
    later,    // the put of the block that was hurt, or its leaving the quarantine, ends the process with a line
    never
};

struct misuse {
    const char* what;
    void (*commit)();
    void (*go_on)(); // what the program does afterwards: puts what it still has
    found normally;  // without hardened mode
    found unguarded; // in hardened mode, when the block is not in the sample
    found guarded;   // in hardened mode, when it is; so always with guard_sample = 1
};

inline constexpr std::size_t some_size = 5000;  // no multiple of 4096
inline constexpr std::size_t whole_size = 8192; // whole pages

inline void nothing_more() {}
inline void everything_leaves() { synk::trim(); } // the quarantine too

inline void write_to(void* p, std::ptrdiff_t offset, std::size_t size = 1) {
    auto* const at = static_cast<volatile char*>(p) + offset;
    for (std::size_t i = 0; i < size; ++i) at[i] = 'x';
}
inline void read_from(const void* p, std::ptrdiff_t offset) {
    static_cast<void>(static_cast<const volatile char*>(p)[offset]);
}

} // namespace synk_test
