// Mutants: each operation of a core is weakened or removed in turn, and the core's worlds must notice.
#pragma once

#include <string>
#include <vector>

#include "explorer/explore.hpp"

namespace synk_explorer {

// A mutant that no world can notice, because nothing of what is promised depends on what it changes.
struct equivalent {
    const char* source; // a part of the line's text, so that the entry must be looked at again when the line changes
    const char* change; // as name_of(mutation)
    const char* why;
};

// Runs every mutant of the sites in this file that the worlds come by. Returns a line for each mutant that was not
// found and is not listed, and for each entry of the list that no such mutant matches; prints a table of all.
[[nodiscard]] std::string survivors(const std::vector<program>& worlds, const char* file,
                                    const std::vector<equivalent>& listed);

} // namespace synk_explorer
