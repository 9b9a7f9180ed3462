// Asks: a thread's cache behind the asymmetric gate (what the library has), a thread's cache whose pop and push are
// restartable sequences, or a cache a CPU by restartable sequences?
//
//     cmake --build build/bench --target explore_caches && build/bench/benchmarks/explorations/explore_caches [MODE]
//
//     hot       one thread gets and puts: one size, random sizes; ns of the processor's time a pair
//     threads   2 threads, and 32 on the processors there are; bytes that the blocks in all caches came to need
//     drain     what it costs another thread to take all out of a cache, and how often it may not
//     signals   a handler that gets and puts, 5,000 times a second: how often it finds the cache closed
//     disjoint  threads, drains and signals at once: no block may be lent twice; exit status 1 when one was
//     handed    two threads on one CPU and one block by turns, for ThreadSanitizer: build with -fsanitize=thread
//     count KIND N   N pairs of KIND (0 floor, 1 gate, 2 thread by rseq, 3 CPU by rseq) for callgrind, where the
//                    kernel's half is missing: the difference of two runs with N and 2 N, by N, are instructions a pair
//
// Without rseq (__rseq_size 0: an old C library or kernel, glibc.pthread.rseq=0) kinds 2 and 3 have no cache.
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "../measure.hpp"
#include "cache_threads.hpp"
#include "turns.hpp"

namespace {

using namespace explore;
using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

template <class Work>
void for_each_kind(Work work) {
    work.template operator()<bare_floor>();
    work.template operator()<gated>();
    work.template operator()<restartable>();
    work.template operator()<per_cpu>();
}

template <class Kind>
double hot_ns(std::size_t size) {
    start_again<Kind>();
    Kind::attach();
    auto pairs = [size](std::uint64_t count) mutable {
        for (std::uint64_t i = 0; i < count; ++i) {
            bench::make_opaque(size);
            pair<Kind>(size);
        }
    };
    static_cast<void>(bench::run_for(3ms, pairs));
    const double ns = bench::run_for(20ms, pairs).ns_per_operation();
    Kind::detach();
    return ns;
}

template <class Kind>
double random_ns(const std::vector<std::size_t>& sizes) {
    start_again<Kind>();
    Kind::attach();
    auto pairs = [&sizes, at = std::size_t{0}](std::uint64_t count) mutable {
        for (std::uint64_t i = 0; i < count; ++i) pair<Kind>(sizes[at++ % size_count]);
    };
    static_cast<void>(bench::run_for(3ms, pairs));
    const double ns = bench::run_for(20ms, pairs).ns_per_operation();
    Kind::detach();
    return ns;
}

void hot() {
    for (const std::size_t size : {4 * kib, 32 * kib, 4 * mib}) {
        turns t("hot pair of " + std::to_string(size / kib) + " KiB");
        for_each_kind([&]<class Kind>() { t.add(std::string(Kind::name), [=] { return hot_ns<Kind>(size); }); });
        t.run(21);
    }
    const auto sizes = uniform_sizes(4 * mib);
    turns t("pair of random sizes to 4 MiB");
    for_each_kind([&]<class Kind>() { t.add(std::string(Kind::name), [&] { return random_ns<Kind>(sizes); }); });
    t.run(21);
}

template <class Kind>
double threads_ns(const crew_work& work, crew_result& last) {
    last = run_crew<Kind>(work);
    return last.ns;
}

void one_crew(const char* title, const crew_work& work) {
    turns t(title);
    crew_result results[4];
    std::size_t i = 0;
    for_each_kind([&]<class Kind>() {
        t.add(std::string(Kind::name), [&work, &last = results[i++]] { return threads_ns<Kind>(work, last); });
    });
    t.run(9);
    i = 0;
    for_each_kind([&]<class Kind>() {
        const crew_result& r = results[i++];
        std::printf("      %-26s %8.1f MiB of blocks, %.2f visits to what is shared in 1,000 pairs, %.3f stops\n",
                    std::string(Kind::name).c_str(), static_cast<double>(r.bytes) / mib, r.visits * 1e3, r.stops * 1e3);
    });
}

void threads() {
    const auto to_4_mib = uniform_sizes(4 * mib);
    const auto mixed = mixed_sizes();
    const std::vector<std::size_t> fixed(size_count, 32 * kib);
    one_crew("2 threads, 32 KiB", {.threads = 2, .held = 1, .budget = no_bound, .sizes = fixed});
    one_crew("2 threads, random to 4 MiB", {.threads = 2, .held = 1, .budget = no_bound, .sizes = to_4_mib});
    one_crew("32 threads, mixed, 1 held", {.threads = 32, .held = 1, .budget = no_bound, .sizes = mixed});
    one_crew("32 threads, mixed, 8 held", {.threads = 32, .held = 8, .budget = no_bound, .sizes = mixed});
    for (const std::size_t bound : {128 * mib, 16 * mib})
        one_crew(
            ("32 threads, mixed, 1 held, in all caches but the floor's at most " + std::to_string(bound / mib) + " MiB")
                .c_str(),
            {.threads = 32, .held = 1, .budget = bound, .sizes = mixed});
}

template <class Kind>
void one_drain(std::size_t owners, std::chrono::microseconds pause) {
    const drain_result r = run_drains<Kind>(owners, pause);
    std::printf("    %-14s %3zu owners, every %4lld us: %8.2f us a drain, %5.2f %% refused, owners' pair %6.2f ns\n",
                std::string(Kind::name).c_str(), owners, static_cast<long long>(pause.count()), r.us, r.refused * 1e2,
                r.owner_ns);
}

void drain() {
    for (int round = 0; round < 3; ++round)
        for (const auto& [owners, pause] : {std::pair{1, 50us}, std::pair{1, 1000us}, std::pair{31, 1000us}})
            for_each_kind([&, owners = owners, pause = pause]<class Kind>() {
                if constexpr (Kind::drains) one_drain<Kind>(static_cast<std::size_t>(owners), pause);
            });
}

void signals() {
    for_each_kind([]<class Kind>() {
        if constexpr (Kind::drains) {
            const signal_result r = run_signals<Kind>(400ms);
            std::printf("    %-14s %8llu handlers, %6llu found the cache closed, %6llu sequences stopped\n",
                        std::string(Kind::name).c_str(), static_cast<unsigned long long>(r.handlers),
                        static_cast<unsigned long long>(r.refused), static_cast<unsigned long long>(r.stops));
        }
    });
}

int disjoint() {
    std::uint64_t twice = 0;
    for_each_kind([&]<class Kind>() {
        if constexpr (Kind::drains) {
            const disjoint_result r = run_disjoint<Kind>(1s);
            std::printf("    %-14s %10llu pairs, %6llu drains, %6llu sequences stopped, %llu blocks lent twice\n",
                        std::string(Kind::name).c_str(), static_cast<unsigned long long>(r.pairs),
                        static_cast<unsigned long long>(r.drains), static_cast<unsigned long long>(r.stops),
                        static_cast<unsigned long long>(r.twice));
            twice += r.twice;
        }
    });
    return twice == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

template <class Kind>
void count_pairs(std::uint64_t n) {
    start_again<Kind>();
    Kind::attach();
    std::size_t size = 32 * kib;
    for (std::uint64_t i = 0; i < n; ++i) {
        bench::make_opaque(size);
        pair<Kind>(size);
    }
    std::printf("%llu pairs, %llu visits to what is shared\n", static_cast<unsigned long long>(n),
                static_cast<unsigned long long>(shared.visits()));
    Kind::detach();
}

void count(int kind, std::uint64_t n) {
    pretend_registration();
    int at = 0;
    for_each_kind([&]<class Kind>() {
        if (at++ == kind) count_pairs<Kind>(n);
    });
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    for_each_kind([]<class Kind>() { Kind::set_up(); });
    if (mode == "count" && argc == 4) return count(std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10)), 0;
    std::printf("rseq is %sregistered\n", is_registered() ? "" : "not ");
    if (mode.empty() || mode == "hot") hot();
    if (mode.empty() || mode == "threads") threads();
    if (mode.empty() || mode == "drain") drain();
    if (mode.empty() || mode == "signals") signals();
    if (mode == "handed")
        for_each_kind([]<class Kind>() {
            std::fprintf(stderr, "%s\n", std::string(Kind::name).c_str());
            hand_to_and_fro<Kind>();
        });
    return mode.empty() || mode == "disjoint" ? disjoint() : EXIT_SUCCESS;
}
