// Says on stderr what is being measured, so that nobody wonders whether it hangs.
#pragma once

#include <string_view>

#include "measure.hpp"

namespace bench {

class progress {
public:
    explicit progress(unsigned tables);

    // Something new is being done in a table. On a terminal the line is overwritten; in a file there is one
    // line a table, so that a log stays short.
    void step(std::string_view table, std::string_view what);
    // The table is complete.
    void done(std::string_view table);

private:
    [[nodiscard]] double seconds() const { return nanoseconds(clock::now() - start_) / 1e9; }

    clock::time_point start_ = clock::now();
    unsigned tables_;
    unsigned current_ = 1;
    bool terminal_;
    bool announced_ = false; // in a file: the current table has had its line
};

} // namespace bench
