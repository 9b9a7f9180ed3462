// How idle memory ages.
#pragma once

#include <cstdint>

namespace synk::inline v1::detail {

// One visit of the keeper. Times in nanoseconds.
struct ageing {
    std::uint64_t now = 0;
    std::uint64_t gone_after = 0; // what has been calm for so long loses its memory
    bool may_be_weak = true;      // false after a fork, when the system would not take it
};

} // namespace synk::inline v1::detail
