// Asks: how many size classes to the doubling? Fewer pages are wasted with more of them, and a thread's cache finds
// less.
//
//     cmake --build build/bench --target explore_waste && build/bench/benchmarks/explorations/explore_waste
//
// Simulated, in pages; nothing is measured and no memory is used. First the waste row of ./bench: 200 MiB of the mixed
// sizes, a quarter of them renewed 20 times, out of chunks of 1,024 pages in which the shortest free run that is long
// enough is cut; nothing goes back meanwhile and no cache stands before the chunks. Then what a thread's cache finds
// when 8 buffers are held at a time, with bins and a budget as the library has them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t chunk_pages = 1024;
constexpr std::size_t mib = std::size_t{1} << 20;

// Pages of the least class that holds so many, with `fan` classes to the doubling; 0: every number of pages is a class.
std::size_t rounded(std::size_t pages, std::size_t fan) {
    if (fan == 0) return pages;
    std::size_t step = 1;
    while (pages > 2 * fan * step) step *= 2;
    return pages <= fan ? pages : (pages + step - 1) / step * step;
}

// As in tcmalloc, jemalloc and here: up to `fan` pages every number has its class.
std::vector<std::size_t> classes(std::size_t fan) {
    std::set<std::size_t> all;
    for (std::size_t pages = 1; pages <= chunk_pages; ++pages) all.insert(rounded(pages, fan));
    return {all.begin(), all.end()};
}

class random_sizes {
public:
    explicit random_sizes(std::uint64_t seed) : engine_(seed) {}
    std::size_t mixed() {
        const auto p = engine_() % 100;
        if (p < 50) return between(4, 32);
        return p < 80 ? between(32, 256) : between(256, 4096);
    }
    std::size_t uniform() { return 1 + engine_() % (4 * mib); }
    std::size_t below(std::size_t n) { return engine_() % n; }

private:
    std::size_t between(std::size_t from_kib, std::size_t to_kib) {
        return (from_kib << 10) + engine_() % (((to_kib - from_kib) << 10) + 1);
    }
    std::mt19937_64 engine_;
};

class chunks {
public:
    std::size_t take(std::size_t pages) {
        auto fit = by_length_.lower_bound({pages, 0});
        if (fit == by_length_.end()) {
            add(chunk_count_++ * chunk_pages, chunk_pages);
            fit = by_length_.lower_bound({pages, 0});
        }
        const auto [length, start] = *fit;
        remove(start, length);
        if (length > pages) add(start + pages, length - pages);
        return start;
    }
    void put(std::size_t start, std::size_t pages) {
        auto next = by_start_.lower_bound(start);
        if (next != by_start_.end() && next->first == start + pages && next->first % chunk_pages != 0) {
            pages += next->second;
            remove(next->first, next->second);
        }
        next = by_start_.lower_bound(start);
        if (next != by_start_.begin() && start % chunk_pages != 0) {
            const auto [before, length] = *std::prev(next);
            if (before + length == start) {
                remove(before, length);
                start = before;
                pages += length;
            }
        }
        add(start, pages);
    }

private:
    void add(std::size_t start, std::size_t length) {
        by_length_.insert({length, start});
        by_start_[start] = length;
    }
    void remove(std::size_t start, std::size_t length) {
        by_length_.erase({length, start});
        by_start_.erase(start);
    }
    std::set<std::pair<std::size_t, std::size_t>> by_length_;
    std::map<std::size_t, std::size_t> by_start_;
    std::size_t chunk_count_ = 0;
};

class live_set {
public:
    live_set(std::size_t fan, std::uint64_t seed) : fan_(fan), random_(seed) {}

    void run() {
        constexpr std::size_t most = 200 * mib;
        while (held_ < most) get();
        for (int round = 0; round < 20; ++round) {
            for (std::size_t n = live_.size() / 4; n != 0; --n) put();
            while (held_ > most) put();
            while (held_ < most) get();
        }
    }
    // Of pages that were written, and of pages that were ever lent.
    [[nodiscard]] double written() const { return ratio(written_); }
    [[nodiscard]] double lent() const { return ratio(lent_); }

private:
    struct block {
        std::size_t start, size, pages;
    };
    using marks = std::vector<bool>;

    [[nodiscard]] double ratio(const marks& m) const {
        return static_cast<double>(std::count(m.begin(), m.end(), true)) * page / static_cast<double>(peak_);
    }
    static void mark(marks& m, std::size_t from, std::size_t count) {
        if (m.size() < from + count) m.resize(from + count);
        std::fill_n(m.begin() + static_cast<std::ptrdiff_t>(from), count, true);
    }
    void get() {
        const std::size_t size = random_.mixed();
        const std::size_t used = (size + page - 1) / page;
        const std::size_t pages = rounded(used, fan_);
        live_.push_back({chunks_.take(pages), size, pages});
        mark(written_, live_.back().start, used);
        mark(lent_, live_.back().start, pages);
        held_ += size;
        peak_ = std::max(peak_, held_);
    }
    void put() {
        std::swap(live_[random_.below(live_.size())], live_.back());
        chunks_.put(live_.back().start, live_.back().pages);
        held_ -= live_.back().size;
        live_.pop_back();
    }

    std::size_t fan_;
    random_sizes random_;
    chunks chunks_;
    std::vector<block> live_;
    marks written_, lent_;
    std::size_t held_ = 0, peak_ = 0;
};

// A thread's cache: 4 MiB a bin, but 8 to 64 blocks; 64 MiB in all, what was put longest ago makes way.
class cache {
public:
    [[nodiscard]] bool take(std::size_t pages) {
        auto& bin = bins_[pages];
        if (bin.empty()) return false;
        held_ -= pages;
        bin.pop_back();
        return true;
    }
    void put(std::size_t pages) {
        auto& bin = bins_[pages];
        if (bin.size() == std::clamp<std::size_t>(chunk_pages / pages, 8, 64)) return;
        bin.push_back(now_++);
        held_ += pages;
        while (held_ > 64 * mib / page) expel();
    }

private:
    void expel() {
        auto oldest = bins_.end();
        for (auto it = bins_.begin(); it != bins_.end(); ++it)
            if (!it->second.empty() && (oldest == bins_.end() || it->second.front() < oldest->second.front()))
                oldest = it;
        oldest->second.erase(oldest->second.begin());
        held_ -= oldest->first;
    }
    std::map<std::size_t, std::vector<std::uint64_t>> bins_; // when each block was put
    std::size_t held_ = 0;
    std::uint64_t now_ = 0;
};

template <class Size>
double misses(std::size_t fan, Size size) {
    random_sizes random(1);
    cache own;
    std::uint64_t missed = 0;
    constexpr std::uint64_t bursts = 8000;
    for (std::uint64_t i = 0; i < 2 * bursts; ++i) { // the first half makes it warm
        std::size_t held[8];
        for (auto& pages : held) {
            pages = rounded((size(random) + page - 1) / page, fan);
            missed += own.take(pages) || i < bursts ? 0U : 1U;
        }
        for (const auto pages : held) own.put(pages);
    }
    return static_cast<double>(missed) / static_cast<double>(bursts * 8) * 1e3;
}

} // namespace

int main() {
    // What the library keeps for a class of a thread's cache: a bin, 64 slots, and 18 bytes of records.
    constexpr std::size_t class_bytes = 16 + 64 * 8 + 18;
    std::printf("classes to the doubling | classes to 4 MiB | KiB of a thread's cache | written / asked (9 seeds)"
                " | lent / asked | misses in 1,000 gets: mixed, uniform\n");
    for (const std::size_t fan : {1U, 2U, 4U, 8U, 16U, 0U}) {
        std::vector<double> written;
        std::vector<double> lent;
        for (std::uint64_t seed = 1; seed <= 9; ++seed) {
            live_set live(fan, seed);
            live.run();
            written.push_back(live.written());
            lent.push_back(live.lent());
        }
        std::sort(written.begin(), written.end());
        std::sort(lent.begin(), lent.end());
        const auto count = classes(fan).size();
        std::printf("%s%zu | %4zu | %6.1f | %.3f (%.3f - %.3f) | %.3f | %6.1f, %6.1f\n", fan == 0 ? "every page " : "",
                    fan, count, static_cast<double>(count * class_bytes) / 1024, written[4], written[0], written[8],
                    lent[4], misses(fan, [](random_sizes& r) { return r.mixed(); }),
                    misses(fan, [](random_sizes& r) { return r.uniform(); }));
    }
}
