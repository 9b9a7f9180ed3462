// Included by tests that look where an idle block lies: it stays there, however slow the day.
#pragma once

#include <chrono>

#include <synk/options.hpp>

namespace synk_test {

inline void stop_ageing() {
    synk::options o = synk::current_options();
    o.keeper = false; // the slow paths would do its work
    o.weak_after = o.gone_after = std::chrono::hours(24);
    synk::configure(o);
}

inline const bool ageing_is_stopped = (stop_ageing(), true);

} // namespace synk_test
