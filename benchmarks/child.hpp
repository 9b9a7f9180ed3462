// The measured process: does the work that it is ordered to do, one piece at a time, and between two of them waits in a
// read, calling nothing. Orders and answers are packets on its standard input, a socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace bench {

// Which sizes are asked for.
enum class pattern : std::uint32_t {
    one,       // order::bytes, each time
    uniform,   // 1 to order::bytes, all with the same probability
    mixed,     // those of the third table: 4 KiB to 4 MiB, small ones more often
    tier_each, // each thread one size of its own: 4 KiB, 8 KiB, ... 4 MiB, 4 KiB, ...
};

struct order {
    // What is done, and what the answer's values are.
    enum class action : std::uint32_t {
        settle,  // get or put until `bytes` are held, every byte of what is got written -> bytes held
        churn,   // put a quarter of what is held, then settle -> bytes held, ms
        use,     // get 64 buffers of mixed sizes, write every byte, stop the clock, put them back -> bytes held,
                 // milliseconds of processor time for the gets and the writing, page faults of the same
        hot,     // get and put of `bytes`, again and again -> ns per pair
        random,  // get and put of sizes from a list -> ns per pair, bytes of new memory, calls of the allocator
        workers, // `count` threads do the first `bytes` jobs of the third table -> as its columns
        threads, // `count` threads get and put, each its own -> ns per pair: of the
                 // processor, of the wall clock over all threads
        hand,    // one thread gets, another one puts -> ns per buffer
        burst,   // get `count`, then put them all, again and again -> ns per pair, page faults per burst
        touch,   // get `count` and write a byte to each page, with the first one put after the last -> us and page
                 // faults per buffer
        lend,    // get `count` of `bytes` and hold them, untouched
        unlend,  // put all these
    };
    action what = action::settle;
    pattern sizes = pattern::one;
    std::uint64_t bytes = 0;
    std::uint64_t count = 0;
    std::uint64_t span_ns = 0; // about how long it is timed
    std::uint64_t turn = 0;    // says on which processor, where one thread works and its time is taken
};

// As many values as the order's action has, then zeros.
using answer = std::array<double, 8>;

inline constexpr const char* child_flag = "--measured-process";

// `argv` = program, child_flag, the name of a row, a seed, the library that must be loaded or "", and the names of its
// two functions or "". The exit status of the child; nothing when the arguments are other ones.
[[nodiscard]] std::optional<int> be_child(int argc, char** argv);

} // namespace bench
