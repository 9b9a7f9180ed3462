// What the figures are held against.
#pragma once

#include <string>
#include <vector>

#include "results.hpp"

namespace bench {

struct goal {
    // A case is beyond the goal's figure when the median of its rounds' ratios is. It counts as missed when
    // at least four fifths of the rounds are beyond as well (6 of 7: by chance alone that happens to one case
    // in 16), and is undecided when fewer are: the machine's noise is then as large as what was to be shown.
    enum class verdict { reached, missed, undecided, not_measured };

    std::string id;
    std::string text;                   // the goal in words, with its figure
    std::string found;                  // the worst case, with where it was found
    std::vector<std::string> misses;    // every case that misses it
    std::vector<std::string> undecided; // every case that may
    std::size_t cases = 0;              // how many were held against it

    [[nodiscard]] verdict is() const;
};

[[nodiscard]] const char* name_of(goal::verdict v);

[[nodiscard]] std::vector<goal> check_goals(const std::vector<table>& tables);

} // namespace bench
