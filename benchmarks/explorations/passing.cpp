// Asks: what do other constants or another policy of the paths behind a thread's cache change for threads that pass
// blocks on? Rows of ./bench alone, so that builds of the library with a patch each can take turns quickly:
//
//     cmake --build build/bench --target explore_passing
//     benchmarks/explorations/in_turns 21 PROGRAM OTHER_PROGRAM...
//
// where each program is this one, linked with another build of the library. One line of numbers:
//     step    one thread gets 64 buffers, then another puts them, and so on: ns of the processor's time of both a
//     buffer,
//             for 32 KiB, 1 MiB and mixed sizes; and visits to what is shared (channels, chunks, the system) in 1,000
//             gets
//     hand    the row of ./bench, which needs two free processors: ns of the wall clock, for the same
//     2, 32   threads by themselves: ns of the processor's time a pair: 2 with 32 KiB, random to 4 MiB, mixed; 32 mixed
#include <cstdint>
#include <cstdio>
#include <semaphore>
#include <thread>
#include <vector>

#include "../threads.hpp"
#include "asked_sizes.hpp"
#include "visits.hpp"

namespace {

using namespace std::chrono_literals;
using asked = std::vector<std::size_t>;

// In turns, so that whether both have a processor at the same time does not matter.
class in_step {
public:
    in_step(const asked& sizes, std::size_t at_once) : sizes_(sizes), held_(at_once) {
        std::jthread taker([this] { take(); });
        for (unsigned turn = 0; turn < turns; ++turn) give(turn == turns / 8);
    } // joined

    [[nodiscard]] double ns() const { return bench::nanoseconds(gave_ + took_) / (buffers()); }
    [[nodiscard]] double visits_in_1000() const {
        return static_cast<double>(explore::visits() - visits_) * 1e3 / buffers();
    }

private:
    static constexpr unsigned turns = 1600; // the first eighth makes it warm

    [[nodiscard]] double buffers() const { return double{turns} * 7 / 8 * static_cast<double>(held_.size()); }
    void give(bool begins) {
        if (begins) {
            gave_ = {};
            took_ = {};
            visits_ = explore::visits();
        }
        const auto start = bench::processor_time();
        for (auto& h : held_) {
            h = bench::sized::get(sizes_[next_++ % sizes_.size()]);
            bench::touch(h.data());
        }
        gave_ += bench::processor_time() - start;
        full_.release();
        empty_.acquire();
    }
    void take() {
        for (unsigned turn = 0; turn < turns; ++turn) {
            full_.acquire();
            const auto start = bench::processor_time();
            for (auto& h : held_) bench::sized::put(std::move(h));
            took_ += bench::processor_time() - start;
            empty_.release();
        }
    }

    const asked& sizes_;
    std::size_t next_ = 0;
    std::vector<synk::bytes> held_;
    std::binary_semaphore full_{0}, empty_{0}; // whose turn it is
    bench::clock::duration gave_{}, took_{};
    std::uint64_t visits_ = 0;
};

void step(const asked& sizes, std::size_t at_once) {
    const in_step work(sizes, at_once);
    std::printf("%.2f %.2f ", work.ns(), work.visits_in_1000() + 1e-3); // never 0: ratios are made of it
}
void hand(const asked& sizes) { std::printf("%.2f ", bench::hand_over<bench::sized>(sizes, 60ms).values()[0]); }
void run(std::size_t threads, const asked& sizes) {
    const std::vector<std::span<const std::size_t>> lists(threads, sizes);
    std::printf("%.2f ", bench::free_running<bench::sized>(lists, 60ms).values()[0]);
}

} // namespace

int main() {
    const asked to_4_mib = explore::uniform_sizes(std::size_t{4} << 20);
    const asked mixed = explore::mixed_sizes();
    const asked small(explore::size_count, 32 << 10);
    const asked large(explore::size_count, 1 << 20);
    for (const std::size_t at_once : {64U, 16U})
        for (const asked* sizes : {&small, &large, &mixed}) step(*sizes, at_once);
    for (const asked* sizes : {&small, &large, &mixed}) hand(*sizes);
    for (const asked* sizes : {&small, &to_4_mib, &mixed}) run(2, *sizes);
    run(32, mixed);
    std::printf("\n");
}
