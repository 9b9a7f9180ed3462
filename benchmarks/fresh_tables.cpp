// The tables whose every figure comes from a new process: what is left over from before would change it.
#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "fleet.hpp"
#include "memory_run.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

using action = order::action;
constexpr std::string_view pool_and_floor[] = {"sized", "floor"};

constexpr unsigned churns = 20;
constexpr unsigned most_waste_rounds = 2; // 2 GiB are written in each, by each

// The most that was resident, without what the process had before, and the most that was asked for.
std::vector<double> churn(measured_process& process, std::uint64_t live_bytes) {
    // Once it has answered it has started: before that, what it had would be counted among what it came to have.
    static_cast<void>(process.carry_out({.what = action::unlend}));
    const auto before = static_cast<double>(process.sample().resident);
    double asked = process.carry_out({.what = action::settle, .bytes = live_bytes})[0];
    double ms = 0;
    for (unsigned i = 0; i < churns; ++i) {
        const answer renewed = process.carry_out({.what = action::churn, .bytes = live_bytes});
        asked = std::max(asked, renewed[0]);
        ms += renewed[1];
    }
    const double peak = process.peak_resident() - before;
    return {peak / asked, peak / mib, asked / mib, ms / churns};
}

// What of the machine's memory the addresses may come to that are only reserved.
std::uint64_t largest_pool() { return std::min<std::uint64_t>(16 * gib, available_memory() / 2); }

struct fill {
    std::uint64_t bytes;
    bool lent; // or put back, and idle then
};

std::vector<double> grown(measured_process& process, const fill& f, std::uint64_t span_ns) {
    static_cast<void>(process.carry_out({.what = action::lend, .bytes = mib, .count = f.bytes / mib}));
    if (!f.lent) static_cast<void>(process.carry_out({.what = action::unlend}));
    const auto ns = [&](const order& o) { return process.carry_out(o)[0]; };
    // The first touches of new memory take a hundred times as long as all that is timed, and are of no interest here.
    const auto settled_ns = [&](order o) {
        o.span_ns *= 10;
        static_cast<void>(process.carry_out(o));
        o.span_ns = span_ns;
        return ns(o);
    };
    return {ns({.what = action::hot, .bytes = 32 * kib, .span_ns = span_ns}),
            ns({.what = action::burst, .bytes = 32 * kib, .count = 256, .span_ns = span_ns}),
            settled_ns({.what = action::burst, .sizes = pattern::mixed, .count = 64, .span_ns = span_ns}),
            ns({.what = action::burst, .bytes = mib, .count = 64, .span_ns = span_ns}),
            ns({.what = action::hot, .bytes = 8 * mib, .span_ns = span_ns})};
}

} // namespace

table waste_table(const settings& s, progress& shown) {
    table t{"waste", "waste: a live set of mixed sizes, churned", {}, {}, {}};
    t.columns = {{"ratio", "resident/asked"},
                 {"peak_mib", "peak MiB"},
                 {"asked_mib", "asked MiB"},
                 {"ms_per_renewal", "ms/renewal"}};
    t.compared = "ratio";
    std::vector<contender> contenders;
    enter_fresh(contenders, find_contenders(pool_and_floor), s.seed, "",
                [bytes = s.live_mib * mib](measured_process& process) { return churn(process, bytes); });
    // In new processes each time, and of interest for their memory: nothing is to be warm.
    run_in_turn(t, contenders, std::min(s.rounds, most_waste_rounds), shown, warm_up::none);
    t.notes.push_back(
        fmt::format("{} MiB live, a quarter of the buffers renewed {} times, every byte written", s.live_mib, churns));
    t.notes.emplace_back("ms/renewal = processor time to put a quarter, and to get and write as much again");
    return t;
}

table touch_table(const settings& s, progress& shown) {
    table t{"touch", "first touch of 4 MiB of new memory", {}, {}, {}};
    t.columns = {{"us_per_buffer", "us/buffer"}, {"faults_per_buffer", "page faults/buffer"}};
    t.compared = "us_per_buffer";
    std::vector<contender> contenders;
    enter_fresh(contenders, find_contenders(pool_and_floor), s.seed, "", [](measured_process& process) {
        const answer a = process.carry_out({.what = action::touch, .bytes = 4 * mib, .count = 16});
        return std::vector<double>{a[0], a[1]};
    });
    run_in_turn(t, contenders, s.rounds, shown);
    t.notes.emplace_back("processor time to get 16 buffers and write a byte to each of their pages, none put before");
    return t;
}

table growth_table(const settings& s, progress& shown) {
    table t{"growth", "the same work with little and with much in the pool", {}, {}, {}};
    t.columns = {{"hit", "ns, 32 KiB pair"},
                 {"many", "ns, 256 x 32 KiB"},
                 {"split", "ns, 64 mixed"},
                 {"chunks", "ns, 64 x 1 MiB"},
                 {"large", "ns, 8 MiB pair"}};
    std::vector<allocator> all{{"sized", "sized", "", "SYNK_IDLE_LIMIT=32G", "", ""},
                               {"glibc", "malloc", "", "", "", ""}};
    const auto span = nanoseconds_of(s.span() / 10);
    std::vector<contender> contenders;
    for (const bool lent : {true, false})
        for (const auto bytes : {std::uint64_t{64 * mib}, largest_pool()})
            enter_fresh(contenders, all, s.seed, growth_group(lent, bytes > 64 * mib), [=](measured_process& process) {
                return grown(process, {bytes, lent}, span);
            });
    run_in_turn(t, contenders, s.rounds, shown);
    t.notes.push_back(fmt::format("little = 64 MiB, much = {:.1f} GiB, in untouched blocks of 1 MiB; "
                                  "synk's idle_limit is 32 GiB here; new processes each time",
                                  static_cast<double>(largest_pool()) / gib));
    return t;
}

std::string growth_group(bool lent, bool much) {
    return fmt::format("{} {}", much ? "much" : "little", lent ? "lent" : "idle");
}

} // namespace bench
