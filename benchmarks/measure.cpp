#include "measure.hpp"

#include <ctime>
#include <fstream>
#include <string>

#include <sys/resource.h>

namespace bench {
namespace {

constexpr double page = 4096;
constexpr double huge_page = 2 << 20;

// Since the machine's start; 0 where the kernel does not count them.
double huge_page_faults() {
    std::ifstream counters("/proc/vmstat");
    std::string name;
    for (double value; counters >> name >> value;)
        if (name == "thp_fault_alloc") return value;
    return 0;
}

} // namespace

clock::duration processor_time() {
    timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

std::uint64_t page_faults() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_minflt) + static_cast<std::uint64_t>(usage.ru_majflt);
}

double new_bytes() { return static_cast<double>(page_faults()) * page + huge_page_faults() * (huge_page - page); }

} // namespace bench
