#include "processors.hpp"

#include <algorithm>

#include <sched.h>

namespace bench {
namespace {

cpu_set_t usable() {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof set, &set);
    return set;
}

// As the process began.
const cpu_set_t all = usable();

void restrict_to(const cpu_set_t& set) { static_cast<void>(::sched_setaffinity(0, sizeof set, &set)); }

} // namespace

unsigned processors() { return std::max(1U, static_cast<unsigned>(CPU_COUNT(&all))); }

void work_on(unsigned turn) {
    unsigned before = turn % processors();
    for (unsigned number = 0; number < CPU_SETSIZE; ++number) {
        if (!CPU_ISSET(number, &all) || before-- != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(number, &one);
        return restrict_to(one);
    }
}

void work_anywhere() { restrict_to(all); }

} // namespace bench
