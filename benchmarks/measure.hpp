// Clock, page faults and the few lines of assembler that keep the compiler honest.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bench {

using clock = std::chrono::steady_clock;

[[nodiscard]] inline double nanoseconds(clock::duration d) {
    return std::chrono::duration<double, std::nano>(d).count();
}

// For an order to another process.
[[nodiscard]] inline std::uint64_t nanoseconds_of(clock::duration d) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(d).count());
}

// What the processor has worked for this thread so far. Time in which other programs had it does not count.
[[nodiscard]] clock::duration processor_time();

// The compiler must take v for changed: what was computed from it is computed again.
template <class T>
[[gnu::always_inline]] inline void make_opaque(T& v) {
    asm volatile("" : "+r"(v));
}

// The compiler must take v for used.
template <class T>
[[gnu::always_inline]] inline void keep(const T& v) {
    asm volatile("" : : "r"(v) : "memory");
}

// Between two looks at something that another thread is about to change.
inline void pause_briefly() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" : : : "memory");
#endif
}

// What every row does with every buffer of the tables without work: writes its first byte.
[[gnu::always_inline]] inline void touch(std::byte* p) {
    *p = std::byte{1};
    keep(p);
}

// Page faults of this process so far, the minor ones (new memory) and the major ones (from a disk).
[[nodiscard]] std::uint64_t page_faults();

// Bytes that page faults have brought so far: the measure of new memory, the same for every row. Memory that
// is asked for and never touched costs nothing here. The kernel does not say whose fault brought a huge page:
// all of those on the machine are counted, which is too many where other programs use huge pages at the same
// time.
[[nodiscard]] double new_bytes();

struct tally {
    std::uint64_t operations = 0;
    clock::duration elapsed{};

    [[nodiscard]] double ns_per_operation() const { return nanoseconds(elapsed) / static_cast<double>(operations); }
};

// What elapses: of the wall clock, or processor_time.
using time_source = clock::duration (*)();
[[nodiscard]] inline clock::duration wall_time() { return clock::now().time_since_epoch(); }

// Calls batch(k), which does k operations, until `span` is over. The time is read once a batch; batches double until
// one takes a 16th of the span or does 65,536 operations.
template <class Batch>
[[nodiscard]] tally run_for(clock::duration span, Batch&& batch, time_source now = processor_time) {
    constexpr std::uint64_t longest = std::uint64_t{1} << 16;
    tally done;
    const auto start = now();
    auto last = start;
    for (std::uint64_t size = 1; last - start < span;) {
        batch(size);
        done.operations += size;
        const auto before = last;
        last = now();
        if ((last - before) * 16 < span && size < longest) size *= 2;
    }
    done.elapsed = last - start;
    return done;
}

} // namespace bench
