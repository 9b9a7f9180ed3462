#include "sizes.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

namespace bench {
namespace {

// The standard fixes what mt19937_64 yields but not what its distributions do with it; these few lines do the
// same everywhere.
class random_source {
public:
    explicit random_source(std::uint64_t seed) : engine_(seed) {}

    // first <= result <= last. The bias is last / 2^64.
    [[nodiscard]] std::size_t between(std::size_t first, std::size_t last) {
        return first + engine_() % (last - first + 1);
    }
    [[nodiscard]] unsigned percent() { return static_cast<unsigned>(engine_() % 100); }

private:
    std::mt19937_64 engine_;
};

std::size_t mixed_size(random_source& random) {
    const unsigned p = random.percent();
    if (p < 50) return random.between(4 * kib, 32 * kib);
    if (p < 80) return random.between(32 * kib, 256 * kib);
    return random.between(256 * kib, 4 * mib);
}

effort mixed_effort(random_source& random) {
    const unsigned p = random.percent();
    if (p < 60) return effort::light;
    return p < 90 ? effort::medium : effort::heavy;
}

} // namespace

std::vector<std::size_t> uniform_sizes(std::size_t limit, std::uint64_t seed) {
    random_source random(seed);
    std::vector<std::size_t> sizes(table_length);
    std::generate(sizes.begin(), sizes.end(), [&] { return random.between(1, limit); });
    return sizes;
}

std::vector<job> mixed_jobs(std::uint64_t seed) {
    random_source random(seed);
    std::vector<job> jobs(table_length);
    for (auto& j : jobs) {
        j.size = mixed_size(random);
        j.work = mixed_effort(random);
    }
    return jobs;
}

std::string size_name(std::size_t bytes) {
    return bytes >= mib ? fmt::format("{} MiB", bytes / mib) : fmt::format("{} KiB", bytes / kib);
}

} // namespace bench
