// Asks: what does a buffer take that grows to 20 MiB and is put, again and again, each new byte of it written? In turns
// with a build of the library for each patch:
//
//     cmake --build build/bench --target explore_growing
//     benchmarks/explorations/in_turns 9 PROGRAM OTHER_PROGRAM...
//
// One line of numbers, us of the processor's time a buffer and page faults: got with all 20 MiB; got with 5 MiB and
// then 20, with 6 and then 20, with 5 and then twice as much each time, with 5 and then 1 MiB more each time, with 6
// and then 2 MiB more.
#include <algorithm>
#include <cstdio>

#include "../measure.hpp"
#include "../rows.hpp"

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::size_t end = 20 * mib;
constexpr unsigned buffers = 24; // the first half makes it warm

template <class Next>
void grow_one(std::size_t size, Next next) {
    synk::bytes b;
    for (std::size_t written = 0;;) {
        b.resize(size);
        for (; written < size; written += synk::detail::page_size) bench::touch(b.data() + written);
        if (size == end) return;
        size = std::min(end, next(size));
    }
}

template <class Next>
void grow_again_and_again(std::size_t first, Next next) {
    for (unsigned i = 0; i < buffers / 2; ++i) grow_one(first, next);
    const auto faults = bench::page_faults();
    const auto start = bench::processor_time();
    for (unsigned i = 0; i < buffers / 2; ++i) grow_one(first, next);
    const double each = buffers / 2;
    std::printf("%.0f %.2f ", bench::nanoseconds(bench::processor_time() - start) / each / 1000,
                static_cast<double>(bench::page_faults() - faults) / each + 1e-2); // never 0
}

} // namespace

int main() {
    grow_again_and_again(end, [](std::size_t n) { return n; });
    grow_again_and_again(5 * mib, [](std::size_t) { return end; });
    grow_again_and_again(6 * mib, [](std::size_t) { return end; });
    grow_again_and_again(5 * mib, [](std::size_t n) { return 2 * n; });
    grow_again_and_again(5 * mib, [](std::size_t n) { return n + mib; });
    grow_again_and_again(6 * mib, [](std::size_t n) { return n + 2 * mib; });
    std::puts("");
}
