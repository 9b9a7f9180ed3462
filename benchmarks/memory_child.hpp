// The measured process: does the steps that it is ordered to do, one at a time, and between two of them waits in a
// read, calling nothing. Orders and answers are packets on its standard input, a socket.
#pragma once

#include <cstdint>
#include <optional>

namespace bench {

struct order {
    enum class action : std::uint32_t {
        settle, // get or put until live_bytes are held; every byte of what is got is written
        churn,  // put a quarter of what is held, then settle
        use,    // get 64 buffers of mixed sizes, write every byte, stop the clock, put them back
    };
    action what = action::settle;
    std::uint64_t live_bytes = 0;
};

struct answer {
    std::uint64_t held_bytes = 0;
    double ms = 0;                 // of use: processor time of the gets and the writing, without the puts
    std::uint64_t page_faults = 0; // of the same
};

inline constexpr const char* memory_child_flag = "--memory-child";

// `argv` = program, memory_child_flag, "synk" or "malloc", seed, and the library that must be in the place of malloc or
// "". The exit status of the child; nothing when the arguments are other ones.
[[nodiscard]] std::optional<int> be_memory_child(int argc, char** argv);

} // namespace bench
