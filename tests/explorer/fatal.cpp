// In place of the library's own: what ends a process ends a schedule here.
#include "checks/fatal.hpp"

#include <cstdlib>

#include "explorer/machine.hpp"

namespace synk::inline v1::detail {

void fatal(const char* format, ...) noexcept {
    if (synk_explorer::the_machine.running()) synk_explorer::the_machine.fail(format);
    std::abort();
}

} // namespace synk::inline v1::detail
