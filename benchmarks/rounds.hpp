// All rows in turn, several times: what the machine does meanwhile meets every row alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "progress.hpp"
#include "results.hpp"

namespace bench {

struct contender {
    std::string group;
    std::string name;
    std::function<std::vector<double>()> run; // one round: a value for each column of the table
};

enum class warm_up { one_round, none };

// Fills t.rows. A round before the first one is not counted: it fills the pools and the page cache. Each round begins
// one contender further, so that none always follows the same one.
void run_in_turn(table& t, const std::vector<contender>& contenders, unsigned rounds, progress& shown,
                 warm_up before = warm_up::one_round);

} // namespace bench
