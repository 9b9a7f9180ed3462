// Asks: what do bursts take of more buffers than a thread's cache keeps, which is 3,072 of 4 KiB? For builds of the
// library with a patch each, as passing.cpp:
//
//     cmake --build build/bench --target explore_many
//     benchmarks/explorations/in_turns 11 PROGRAM OTHER_PROGRAM...
//
// One line of numbers, for 1 and 2 threads that each get 2,500, 3,200, 4,000 or 8,000 buffers of 4 KiB, then put them,
// and so on: ns of the processor's time a pair, and visits to what is shared (channels, chunks, the system) in 1,000
// gets.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "../measure.hpp"
#include "../rows.hpp"
#include "visits.hpp"

namespace {

using namespace std::chrono_literals;

bench::tally burst_for(std::size_t at_once, bench::clock::duration span) {
    std::vector<synk::bytes> held;
    held.reserve(at_once);
    auto all = bench::run_for(span, [&](std::uint64_t bursts) {
        for (std::uint64_t i = 0; i < bursts; ++i) {
            while (held.size() < at_once) held.push_back(bench::sized::get(std::size_t{4} << 10));
            held.clear();
        }
    });
    all.operations *= at_once;
    return all;
}

void print_row(unsigned threads, std::size_t at_once) {
    std::vector<bench::tally> done(threads);
    const auto before = explore::visits();
    {
        std::vector<std::jthread> running;
        for (auto& d : done) running.emplace_back([&d, at_once] { d = burst_for(at_once, 300ms); });
    } // joined
    bench::tally all;
    for (const auto& d : done) {
        all.operations += d.operations;
        all.elapsed += d.elapsed;
    }
    const auto visits = static_cast<double>(explore::visits() - before);
    std::printf("%.2f %.2f ", all.ns_per_operation(),
                visits * 1000 / static_cast<double>(all.operations) + 1e-2); // never 0
}

} // namespace

int main() {
    for (const unsigned threads : {1U, 2U})
        for (const std::size_t at_once : {2'500U, 3'200U, 4'000U, 8'000U}) print_row(threads, at_once);
    std::printf("\n");
}
