// Asks: what does a get and put take for a thread that holds many buffers of one size at once? In turns with a build of
// the library for each patch:
//
//     cmake --build build/bench --target explore_at_once
//     benchmarks/explorations/in_turns 9 PROGRAM OTHER_PROGRAM...
//
// One line of numbers, ns of the processor's time a pair, for 16, 128, 256 and 1,024 of 32 KiB; 256, 1,024 and 4,096 of
// 4 KiB; 64 and 256 of 256 KiB; 16 and 64 of 1 MiB; 16 of 4 MiB.
#include <cstdio>
#include <vector>

#include "../pairs.hpp"

namespace {

using namespace std::chrono_literals;

void hold(std::size_t count, std::size_t size) {
    const std::vector<std::size_t> sizes(bench::table_length, size);
    std::printf("%.2f ", bench::bursts<bench::sized>(sizes, count, 50ms)[0]);
}

} // namespace

int main() {
    for (const std::size_t count : {16U, 128U, 256U, 1024U}) hold(count, 32 << 10);
    for (const std::size_t count : {256U, 1024U, 4096U}) hold(count, 4 << 10);
    for (const std::size_t count : {64U, 256U}) hold(count, 256 << 10);
    for (const std::size_t count : {16U, 64U}) hold(count, 1 << 20);
    hold(16, 4 << 20);
    std::printf("\n");
}
