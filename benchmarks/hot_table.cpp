#include <algorithm>

#include <fmt/format.h>

#include "measure.hpp"
#include "rounds.hpp"
#include "rows.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

// The size is opaque each time: to the compiler every get is of an unknown size, as in a program that serves
// any.
template <row R>
void hot_pairs(std::size_t size, std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
        make_opaque(size);
        auto held = R::get(size);
        touch(R::data(held));
        R::put(std::move(held));
    }
}

template <row R>
std::vector<double> hot_round(std::size_t size, clock::duration span) {
    const auto pairs = [size](std::uint64_t operations) { hot_pairs<R>(size, operations); };
    static_cast<void>(run_for(span / 8, pairs));
    return {run_for(span, pairs).ns_per_operation()};
}

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
    const auto span = s.span() / 5; // there are many cells, and each is steady
    std::vector<contender> contenders;
    for (const std::size_t size : hot_sizes())
        for_each_row(hot_rows{}, [&]<row R>() {
            contenders.push_back({size_name(size), std::string(R::name), [=] { return hot_round<R>(size, span); }});
        });
    run_in_turn(t, contenders, s.rounds, shown);
    for (const auto& name : t.names()) t.notes.push_back(spread_of(t, name));
    return t;
}

} // namespace bench
