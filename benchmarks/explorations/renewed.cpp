// Asks: what does it take to renew buffers one by one beside more of them than may lie idle? Whatever is got without
// memory behind it is paid for with idle memory there. In turns with a build of the library for each patch:
//
//     cmake --build build/bench --target explore_renewed
//     benchmarks/explorations/in_turns 5 PROGRAM OTHER_PROGRAM...
//
// One line of numbers, for 130, 190 and 280 MiB of buffers of 4 KiB to 1 MiB (as many of each doubling), a byte of each
// page written: us of the processor's time a renewal and page faults in 100 renewals, of the first 40,000 and of the
// next 80,000; and what was lent and idle at most, over what was asked for at most.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <utility>
#include <vector>

#include "../measure.hpp"
#include "../rows.hpp"

namespace {

class live_set {
public:
    explicit live_set(std::size_t count) {
        while (held_.size() < count) held_.push_back(get_one());
    }

    void renew(unsigned times) {
        const auto faults = bench::page_faults();
        const auto start = bench::processor_time();
        for (unsigned i = 0; i < times; ++i) {
            buffer& renewed = held_[random_() % held_.size()];
            asked_ -= std::exchange(renewed, buffer{{}, 0}).size;
            renewed = get_one();
            most_asked_ = std::max(most_asked_, asked_);
            if (i % 64 == 0) look();
        }
        std::printf("%.2f %.2f ", bench::nanoseconds(bench::processor_time() - start) / times / 1000,
                    static_cast<double>(bench::page_faults() - faults) * 100 / times + 1e-2); // never 0
    }
    [[nodiscard]] double most_resident() const {
        return static_cast<double>(most_resident_) / static_cast<double>(most_asked_);
    }

private:
    struct buffer {
        synk::bytes held;
        std::size_t size;
    };

    buffer get_one() {
        std::uniform_real_distribution<double> doubling(12, 20);
        const auto size = static_cast<std::size_t>(std::exp2(doubling(random_)));
        synk::bytes b = synk::get_sized_pool().get_sized(size);
        for (std::size_t at = 0; at < size; at += synk::detail::page_size) bench::touch(b.data() + at);
        asked_ += size;
        return {std::move(b), size};
    }
    void look() {
        const synk::statistics s = synk::stats();
        most_resident_ = std::max(most_resident_, s.lent + s.idle);
    }

    std::mt19937_64 random_{1};
    std::vector<buffer> held_;
    std::size_t asked_ = 0, most_asked_ = 0, most_resident_ = 0;
};

} // namespace

int main() {
    for (const std::size_t count : {700U, 1'000U, 1'500U}) {
        {
            live_set set(count);
            set.renew(40'000);
            set.renew(80'000);
            std::printf("%.3f ", set.most_resident());
        }
        synk::trim();
    }
    std::puts("");
}
