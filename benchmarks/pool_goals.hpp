// The goals for what gets and puts cost, against the floor, against the peers, and against themselves.
#pragma once

#include <vector>

#include "goals.hpp"
#include "results.hpp"

namespace bench {

[[nodiscard]] std::vector<goal> check_pool_goals(const std::vector<table>& tables);

} // namespace bench
