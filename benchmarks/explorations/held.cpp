// Asks: what does a burst take that holds twice as much at a time as may lie idle? Half of it is the system's again
// each time. In turns with a build of the library for each patch:
//
//     cmake --build build/bench --target explore_held
//     benchmarks/explorations/in_turns 9 PROGRAM OTHER_PROGRAM...
//
// One line of numbers: for 4, 64 and 512 KiB, put in the order in which they came and then in any order: ns of the
// processor's time a get with a first touch, and a put; page faults in 1,000 gets.
#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "../measure.hpp"
#include "../rows.hpp"

namespace {

constexpr std::size_t held_bytes = std::size_t{256} << 20; // idle_limit is 128 MiB
constexpr unsigned bursts = 6;                             // the first half makes it warm

struct figures {
    double get = 0, put = 0, faults = 0;
};

figures one_burst(std::size_t size, bool in_order, std::mt19937& random) {
    std::vector<synk::bytes> held;
    held.reserve(held_bytes / size);
    const auto faults = bench::page_faults();
    const auto start = bench::processor_time();
    while (held.size() < held_bytes / size) {
        held.push_back(bench::sized::get(size));
        bench::touch(held.back().data());
    }
    const auto got = bench::processor_time();
    const auto new_faults = static_cast<double>(bench::page_faults() - faults);
    if (!in_order) std::shuffle(held.begin(), held.end(), random);
    const auto shuffled = bench::processor_time();
    held.clear();
    const auto end = bench::processor_time();
    const auto count = static_cast<double>(held_bytes / size);
    return {bench::nanoseconds(got - start) / count, bench::nanoseconds(end - shuffled) / count,
            new_faults * 1000 / count};
}

void burst_again_and_again(std::size_t size, bool in_order) {
    std::mt19937 random(1);
    figures sum;
    for (unsigned i = 0; i < bursts; ++i) {
        const figures f = one_burst(size, in_order, random);
        if (i < bursts / 2) continue;
        sum = {sum.get + f.get, sum.put + f.put, sum.faults + f.faults};
    }
    constexpr double counted = bursts - bursts / 2;
    std::printf("%.0f %.0f %.2f ", sum.get / counted, sum.put / counted, sum.faults / counted + 1e-2); // never 0
}

} // namespace

int main() {
    for (const std::size_t size : {4U << 10, 64U << 10, 512U << 10})
        for (const bool in_order : {true, false}) burst_again_and_again(size, in_order);
    std::printf("\n");
}
