// Asks: what do huge pages do for the pool's chunks? options::huge on, off and automatic: new memory, memory that is
// weak or gone, or gone for so long that the system of a virtual machine may have given it back to its host, and what
// little use keeps resident.
//
//     cmake --build build/bench --target explore_huge_pages && build/bench/benchmarks/explorations/explore_huge_pages
//
// Every figure is of a process of its own. Needs /sys/kernel/mm/transparent_hugepage/enabled at madvise or always.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "../measure.hpp"
#include "turns.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t page = 4096;
constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::size_t count = 32; // buffers held at once

enum class stage { fresh, warm, weakening, weak, going, gone, gone_for_long };

synk::options options_of(synk::huge_pages huge) {
    synk::options o;
    o.huge = huge;
    o.keeper = false; // we do its work, and clock it
    o.idle_limit = 512 * mib;
    o.weak_after = 8ms;
    o.gone_after = std::chrono::hours(1);
    return o;
}

double us_since(bench::clock::duration start) { return bench::nanoseconds(bench::processor_time() - start) / 1e3; }

// Gets all, writes a byte of each page, puts all: microseconds a buffer for the gets and the writing.
double use(std::size_t size) {
    std::vector<synk::bytes> held;
    held.reserve(count);
    const auto start = bench::processor_time();
    for (std::size_t i = 0; i < count; ++i) {
        held.push_back(synk::get_sized_pool().get_sized(size));
        for (std::size_t at = 0; at < size; at += page) bench::touch(held.back().data() + at);
    }
    return us_since(start) / count;
}

// The visits that a keeper would make in 60 ms; microseconds a buffer.
double visits() {
    bench::clock::duration spent{};
    for (int i = 0; i < 30; ++i) {
        const auto start = bench::processor_time();
        synk::maintain();
        spent += bench::processor_time() - start;
        std::this_thread::sleep_for(2ms);
    }
    return bench::nanoseconds(spent) / 1e3 / count;
}

double figure(synk::huge_pages huge, std::size_t size, stage wanted) {
    synk::options o = options_of(huge);
    synk::configure(o);
    const double fresh = use(size);
    if (wanted == stage::fresh) return fresh;
    if (wanted == stage::warm) return use(size);
    if (wanted >= stage::going) {
        o.gone_after = 8ms;
        synk::configure(o);
    }
    const double visited = visits();
    if (wanted == stage::gone_for_long) std::this_thread::sleep_for(5s); // Linux reports what has been free for 2 s
    return wanted == stage::weakening || wanted == stage::going ? visited : use(size);
}

double resident_mib() {
    std::ifstream status("/proc/self/smaps_rollup");
    for (std::string word; status >> word;)
        if (word == "Rss:") {
            double kib = 0;
            status >> kib;
            return kib / 1024;
        }
    return 0;
}

// What `n` buffers of a size make resident while one byte of each page is in use.
double grown_mib(synk::huge_pages huge, std::size_t size, std::size_t n) {
    synk::configure(options_of(huge));
    const double before = resident_mib();
    std::vector<synk::bytes> held;
    for (std::size_t i = 0; i < n; ++i) {
        held.push_back(synk::get_sized_pool().get_sized(size));
        for (std::size_t at = 0; at < size; at += page) bench::touch(held.back().data() + at);
    }
    return resident_mib() - before;
}

// In a child, which nothing was done in before.
template <class Measure>
double in_child(Measure measure) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    const pid_t child = ::fork();
    double result = 0;
    if (child == 0) {
        result = measure();
        ::_exit(::write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
    }
    if (child < 0 || ::read(ends[0], &result, sizeof result) != sizeof result) std::abort();
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
    return result;
}

template <class Measure>
void compare(const std::string& title, const char* unit, Measure measure) {
    explore::turns t(title, unit);
    t.add("off", [=] { return in_child([=] { return measure(synk::huge_pages::off); }); });
    t.add("automatic", [=] { return in_child([=] { return measure(synk::huge_pages::automatic); }); });
    t.add("on", [=] { return in_child([=] { return measure(synk::huge_pages::on); }); });
    t.run(7);
}

} // namespace

int main() {
    constexpr std::pair<stage, const char*> stages[] = {{stage::fresh, "first use"},
                                                        {stage::warm, "use again at once"},
                                                        {stage::weakening, "making weak"},
                                                        {stage::weak, "use of what is weak"},
                                                        {stage::going, "giving back for good"},
                                                        {stage::gone, "use of what is gone"},
                                                        {stage::gone_for_long, "use of what is gone for 5 s"}};
    for (const std::size_t size : {mib / 16, mib / 2, 4 * mib})
        for (const auto& [wanted, name] : stages)
            compare(std::string(name) + ", " + std::to_string(count) + " x " + std::to_string(size >> 10) + " KiB",
                    "us", [size = size, wanted = wanted](synk::huge_pages h) { return figure(h, size, wanted); });
    compare("resident for 1 x 4 KiB", "MiB", [](synk::huge_pages h) { return grown_mib(h, page, 1); });
    compare("resident for 600 x 12 KiB", "MiB", [](synk::huge_pages h) { return grown_mib(h, 3 * page, 600); });
}
