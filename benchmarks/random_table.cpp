#include <fmt/format.h>

#include "fleet.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {

table random_table(const std::string& id, std::size_t limit, const settings& s, progress& shown) {
    table t{id, fmt::format("random sizes up to {}", size_name(limit)), {}, {}, {}};
    t.columns = {{"ns_per_op", "ns/op"}, {"bytes_per_op", "new B/op"}, {"allocations_per_op", "allocs/op"}};
    t.compared = "ns_per_op";
    constexpr std::string_view rows[] = {"unsized", "sized", "bare", "make", "floor"};
    fleet processes(rows, s.seed);
    std::vector<contender> contenders;
    processes.enter(
        contenders, "",
        {.what = order::action::random, .sizes = pattern::uniform, .bytes = limit, .span_ns = nanoseconds_of(s.span())},
        t.columns.size());
    run_in_turn(t, contenders, s.rounds, shown);
    return t;
}

} // namespace bench
