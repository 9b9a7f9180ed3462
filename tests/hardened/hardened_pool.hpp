// The pool in hardened mode, with nothing in it at first.
#pragma once

#include "support/fresh_pool.hpp"

namespace synk_test {

inline synk::options hardened_options(std::size_t guard_sample, std::size_t quarantine = 16 * mib) {
    synk::options o = quiet();
    o.hardened = true;
    o.guard_sample = guard_sample;
    o.quarantine = quarantine;
    return o;
}

class hardened_pool : public fresh_pool {
protected:
    static synk::bytes get(std::size_t n) { return synk::get_sized_pool().get_sized(n); }
    static std::size_t held() { return synk::stats().idle_quarantine; }
};

} // namespace synk_test
