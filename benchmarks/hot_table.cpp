#include <algorithm>

#include <fmt/format.h>

#include "fleet.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

// Each tier's largest block, and one above the tiers.
std::vector<std::size_t> hot_sizes() {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 4 * kib; size <= 8 * mib; size *= 2) sizes.push_back(size);
    return sizes;
}

std::string spread_of(const table& t, const std::string& name) {
    double fastest = 0;
    double slowest = 0;
    for (const auto& group : t.groups()) {
        if (group == size_name(8 * mib)) continue;
        const double ns = t.find(group, name, "ns_per_pair")->median();
        fastest = fastest == 0 ? ns : std::min(fastest, ns);
        slowest = std::max(slowest, ns);
    }
    return fmt::format("{}: slowest tier / fastest tier = {:.2f}", name, slowest / fastest);
}

} // namespace

table hot_table(const settings& s, progress& shown) {
    table t{"hot", "hot pairs, one get and one put of one size", {{"ns_per_pair", "ns/pair"}}, {}, {}};
    t.compared = "ns_per_pair";
    const auto span = s.span() / 5; // there are many cells, and each is steady
    constexpr std::string_view rows[] = {"sized", "bare", "floor"};
    fleet processes(rows, s.seed);
    std::vector<contender> contenders;
    for (const std::size_t size : hot_sizes())
        processes.enter(contenders, size_name(size),
                        {.what = order::action::hot, .bytes = size, .span_ns = nanoseconds_of(span)}, t.columns.size());
    run_in_turn(t, contenders, s.rounds, shown);
    for (const auto& name : t.names()) t.notes.push_back(spread_of(t, name));
    return t;
}

} // namespace bench
