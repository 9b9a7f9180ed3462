#include <fmt/format.h>

#include "fleet.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

struct traffic {
    const char* name;
    pattern sizes;
    std::uint64_t bytes;
    std::vector<std::uint64_t> threads;
};

const traffic kinds[] = {{"32 KiB", pattern::one, 32 * kib, {1, 2}},
                         {"random to 4 MiB", pattern::uniform, 4 * mib, {1, 2}},
                         {"mixed tiers", pattern::mixed, 0, {1, 2, 32}},
                         {"a tier each", pattern::tier_each, 0, {1, 2, 32}}};

// What two threads do, each with a processor of its own, over what one does.
std::string scaling_of(const table& t, const std::string& name, const std::string& sizes) {
    return fmt::format("{}, {}: two threads do {:.2f} x what one can", name, sizes,
                       2 * ratio(*t.find(threads_group(sizes, 1), name, "ns_per_pair"),
                                 *t.find(threads_group(sizes, 2), name, "ns_per_pair")));
}

} // namespace

std::string threads_group(const std::string& sizes, std::uint64_t threads) {
    return fmt::format("{}, {} thread{}", sizes, threads, threads == 1 ? "" : "s");
}

table threads_table(const settings& s, progress& shown) {
    table t{"threads", "threads that get and put, each its own buffers", {}, {}, {}};
    t.columns = {{"ns_per_pair", "ns/pair"}, {"wall_ns_per_pair", "wall ns/pair"}};
    t.compared = "ns_per_pair";
    constexpr std::string_view rows[] = {"sized", "bare", "floor"};
    fleet processes(rows, s.seed);
    std::vector<contender> contenders;
    for (const traffic& k : kinds)
        for (const auto threads : k.threads)
            processes.enter(contenders, threads_group(k.name, threads),
                            {.what = order::action::threads,
                             .sizes = k.sizes,
                             .bytes = k.bytes,
                             .count = threads,
                             .span_ns = nanoseconds_of(threads > 2 ? s.span() : s.span() / 2)},
                            t.columns.size());
    run_in_turn(t, contenders, s.rounds, shown);
    t.notes.emplace_back(
        "ns/pair is of the processor, for one thread: what others do on the machine counts less, but time in");
    t.notes.emplace_back(
        "which a thread sleeps for a lock is not in it; wall ns/pair is over all threads, and two free");
    t.notes.emplace_back("processors halve it");
    for (const char* name : {"sized", "floor"})
        for (const traffic& k : kinds) t.notes.push_back(scaling_of(t, name, k.name));
    return t;
}

table handover_table(const settings& s, progress& shown) {
    table t{"handover", "one thread gets, another one puts", {{"ns_per_buffer", "ns/buffer"}}, {}, {}};
    t.compared = "ns_per_buffer";
    constexpr std::string_view rows[] = {"sized", "bare", "bare hand-over"};
    fleet processes(rows, s.seed);
    std::vector<contender> contenders;
    for (const auto& [name, sizes] : {std::pair("32 KiB", pattern::one), std::pair("mixed sizes", pattern::mixed)})
        processes.enter(contenders, name,
                        {.what = order::action::hand,
                         .sizes = sizes,
                         .bytes = sizes == pattern::one ? 32 * kib : 0,
                         .span_ns = nanoseconds_of(s.span() / 2)},
                        t.columns.size());
    run_in_turn(t, contenders, s.rounds, shown);
    t.notes.emplace_back(
        "through a ring of 64; bare hand-over = the same ring with pointers to blocks that are always there");
    return t;
}

} // namespace bench
