// Asks: what does another policy of the paths behind a thread's cache change for threads that hold many buffers at
// once? For builds of the library with a patch each, as passing.cpp:
//
//     cmake --build build/bench --target explore_bursts
//     benchmarks/explorations/in_turns 11 PROGRAM OTHER_PROGRAM...
//
// One line of numbers, for 1, 2 and 4 threads that each get 64 buffers of mixed sizes, then put them, and so on: ns of
// the processor's time a pair, and visits to what is shared (channels, chunks, the system) in 1,000 gets.
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "../pairs.hpp"
#include "asked_sizes.hpp"
#include "visits.hpp"

namespace {

using namespace std::chrono_literals;

bench::tally burst(bench::size_cycle next) {
    constexpr std::size_t at_once = 64;
    std::vector<synk::bytes> held;
    held.reserve(at_once);
    const auto pairs = [&](std::uint64_t bursts) {
        for (std::uint64_t i = 0; i < bursts; ++i) {
            for (std::size_t k = 0; k < at_once; ++k) {
                held.push_back(bench::sized::get(next()));
                bench::touch(held.back().data());
            }
            held.clear();
        }
    };
    static_cast<void>(bench::run_for(200ms, pairs));
    bench::tally done = bench::run_for(200ms, pairs);
    done.operations *= at_once;
    return done;
}

void run(std::size_t threads, const std::vector<std::size_t>& sizes) {
    std::vector<bench::tally> done(threads);
    const std::uint64_t before = explore::visits();
    {
        std::vector<std::jthread> running;
        for (std::size_t i = 0; i < threads; ++i)
            running.emplace_back([&, i] { done[i] = burst(bench::size_cycle(sizes, i * 257)); });
    } // all joined
    double ns = 0;
    double pairs = 0;
    for (const bench::tally& d : done) {
        ns += bench::nanoseconds(d.elapsed);
        pairs += static_cast<double>(d.operations);
    }
    // Those of the warming, too: about as many pairs.
    const auto visited = static_cast<double>(explore::visits() - before);
    std::printf("%.2f %.3f ", ns / pairs, visited / 2 / pairs * 1e3 + 1e-3); // never 0: ratios are made of it
}

} // namespace

int main() {
    const auto mixed = explore::mixed_sizes();
    for (const std::size_t threads : {1U, 2U, 4U}) run(threads, mixed);
    std::printf("\n");
}
