// Asks: how long do the jobs of workers that share processors take, and how much memory do those come to have? In turns
// with a build of the library for each patch:
//
//     cmake --build build/bench --target explore_workers
//     benchmarks/explorations/in_turns 9 PROGRAM OTHER_PROGRAM...
//
// One line of numbers, for 4, 8, 16 and 32 workers: us of the processor's time a job as in ./bench's third table, and
// MiB that lie idle then.
#include <cstdio>
#include <vector>

#include <synk/pool.hpp>

#include "../crew.hpp"
#include "asked_sizes.hpp"

namespace {

constexpr std::size_t count = 2000;

// 60 % light, 30 % medium, 10 % heavy.
std::vector<bench::job> jobs() {
    using enum bench::effort;
    constexpr bench::effort mix[] = {light, medium, light, light, medium, light, heavy, light, medium, light};
    std::vector<bench::job> list;
    for (const std::size_t size : explore::mixed_sizes()) list.push_back({size, mix[list.size() % std::size(mix)]});
    list.resize(count);
    return list;
}

void work(unsigned workers) {
    synk::trim();
    const auto list = jobs();
    const bench::crew<bench::sized> crew(workers, list);
    const double processor_ns = crew.values()[4];
    std::printf("%.1f %zu ", processor_ns / 1e3, synk::stats().idle >> 20);
}

} // namespace

int main() {
    for (const unsigned workers : {4U, 8U, 16U, 32U}) work(workers);
    std::printf("\n");
}
