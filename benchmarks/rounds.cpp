#include "rounds.hpp"

#include <fmt/format.h>

namespace bench {
namespace {

void add_round(result_row& row, const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) row.values.at(i).rounds.push_back(values[i]);
}

} // namespace

void run_in_turn(table& t, const std::vector<contender>& contenders, unsigned rounds, progress& shown, warm_up before) {
    for (const auto& c : contenders) t.rows.push_back({c.group, c.name, std::vector<series>(t.columns.size())});
    for (unsigned round = before == warm_up::one_round ? 0 : 1; round <= rounds; ++round) {
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            const std::size_t turn = (round + i) % contenders.size();
            const auto& c = contenders[turn];
            shown.step(t.title, fmt::format("round {}/{}: {} {}", round, rounds, c.group, c.name));
            const auto values = c.run();
            if (round != 0) add_round(t.rows[turn], values);
        }
    }
    shown.done(t.title);
}

} // namespace bench
