#include "budget/idle_budget.hpp"

namespace synk::inline v1::detail {

constinit idle_budget budget;

} // namespace synk::inline v1::detail
