// Asks: what do other constants or another policy of the paths behind a thread's cache change for threads that pass
// blocks on? Rows of ./bench alone, so that builds of the library with a patch each can take turns quickly:
//
//     cmake --build build --target explore_passing; benchmarks/explorations/in_turns 21 PROGRAM OTHER_PROGRAM...
//
// where each program is this one, linked with another build of the library. One line: ns of the wall clock a buffer that
// one thread gets and another puts (32 KiB, 1 MiB, mixed sizes), then ns of the processor's time a pair of 2 threads
// (32 KiB, random to 4 MiB), of 2 and of 32 threads (mixed).
#include <cstdio>
#include <vector>

#include "../threads.hpp"
#include "asked_sizes.hpp"

int main() {
    using namespace std::chrono_literals;
    const auto to_4_mib = explore::uniform_sizes(std::size_t{4} << 20);
    const auto mixed = explore::mixed_sizes();
    const std::vector<std::size_t> small(explore::size_count, 32 << 10);
    const std::vector<std::size_t> large(explore::size_count, 1 << 20);
    const auto hand = [](const auto& sizes) { return bench::hand_over<bench::sized>(sizes, 60ms).values()[0]; };
    const auto run = [](std::size_t threads, const auto& sizes) {
        return bench::free_running<bench::sized>(threads, sizes, 60ms).values()[0];
    };
    std::printf("%.2f %.2f %.2f ", hand(small), hand(large), hand(mixed));
    std::printf("%.2f %.2f %.2f %.2f\n", run(2, small), run(2, to_4_mib), run(2, mixed), run(32, mixed));
}
