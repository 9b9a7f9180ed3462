#include <utility>

#include "fleet.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {

table burst_table(const settings& s, progress& shown) {
    table t{"bursts", "bursts: many held at once, then all put", {}, {}, {}};
    t.columns = {{"ns_per_pair", "ns/pair"}, {"faults_per_burst", "page faults/burst"}};
    t.compared = "ns_per_pair";
    constexpr std::string_view rows[] = {"sized", "bare", "floor"};
    fleet processes(rows, s.seed);
    const auto burst = [&](pattern sizes, std::uint64_t bytes, std::uint64_t count) {
        return order{order::action::burst, sizes, bytes, count, nanoseconds_of(s.span() / 3)};
    };
    std::vector<contender> contenders;
    processes.enter(contenders, "16 x 32 KiB", burst(pattern::one, 32 * kib, 16), t.columns.size());
    processes.enter(contenders, "256 x 32 KiB", burst(pattern::one, 32 * kib, 256), t.columns.size());
    processes.enter(contenders, "64 x 1 MiB", burst(pattern::one, mib, 64), t.columns.size());
    processes.enter(contenders, "64 mixed", burst(pattern::mixed, 0, 64), t.columns.size());
    run_in_turn(t, contenders, s.rounds, shown);
    t.notes.emplace_back(
        "page faults once warm: every size of the list was there twice before, and one size alone in 32 bursts");
    return t;
}

} // namespace bench
