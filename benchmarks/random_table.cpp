#include <span>

#include <fmt/format.h>

#include "measure.hpp"
#include "rounds.hpp"
#include "rows.hpp"
#include "sizes.hpp"
#include "tables.hpp"

namespace bench {
namespace {

// Goes round through prepared sizes; one operation is a get, a touch and a put.
template <row R>
class random_loop {
public:
    explicit random_loop(std::span<const std::size_t> sizes) : sizes_(sizes) {}

    void operator()(std::uint64_t operations) {
        for (std::uint64_t i = 0; i < operations; ++i) {
            auto held = R::get(sizes_[next_++ & (table_length - 1)]);
            touch(R::data(held));
            R::put(std::move(held));
        }
    }

private:
    std::span<const std::size_t> sizes_;
    std::size_t next_ = 0;
};

// The eighth before what is counted makes warm what the other rows' turns have cooled.
template <row R>
std::vector<double> random_round(std::span<const std::size_t> sizes, clock::duration span) {
    random_loop<R> loop(sizes);
    static_cast<void>(run_for(span / 8, loop));
    const auto calls = R::calls();
    const double bytes = new_bytes();
    const tally t = run_for(span, loop);
    const auto operations = static_cast<double>(t.operations);
    return {t.ns_per_operation(), (new_bytes() - bytes) / operations,
            R::calls_per_get + static_cast<double>(R::calls() - calls) / operations};
}

} // namespace

table random_table(const std::string& id, std::size_t limit, const settings& s, progress& shown) {
    table t{id, fmt::format("random sizes up to {}", size_name(limit)), {}, {}, {}};
    t.columns = {{"ns_per_op", "ns/op"}, {"bytes_per_op", "new B/op"}, {"allocations_per_op", "allocs/op"}};
    const auto sizes = uniform_sizes(limit, s.seed);
    std::vector<contender> contenders;
    for_each_row(table_rows{}, [&]<row R>() {
        contenders.push_back({"", std::string(R::name), [&] { return random_round<R>(sizes, s.span()); }});
    });
    run_in_turn(t, contenders, s.rounds, shown);
    return t;
}

} // namespace bench
