#include "pages/system.hpp"

#include <cerrno>
#include <ctime>

#include <sched.h>

#include <linux/membarrier.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <synk/detail/size_class.hpp>

#include "base/errno_stays.hpp"
#include "base/no_cancellation.hpp"
#include "checks/fatal.hpp"

namespace synk::inline v1::detail {

namespace {

void* checked(void* p) noexcept { return p == MAP_FAILED ? nullptr : p; }

// Not MAP_NORESERVE, here and below: without it Linux refuses what is more than there is of memory, as it does to
// malloc.
void* map(std::size_t size, bool accessible, void* wish) noexcept {
    const int protection = accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
    return checked(::mmap(wish, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

bool unmap(void* at, std::size_t size) noexcept { return ::munmap(at, size) == 0; }

bool make_accessible(void* at, std::size_t size) noexcept { return ::mprotect(at, size, PROT_READ | PROT_WRITE) == 0; }

bool make_inaccessible(void* at, std::size_t size) noexcept {
    constexpr int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    return ::mmap(at, size, PROT_NONE, kind, -1, 0) != MAP_FAILED;
}

int linux_advice(advice what) noexcept {
    switch (what) {
    case advice::weak:
        return MADV_FREE;
    case advice::gone:
    case advice::gone_unless_locked:
        return MADV_DONTNEED;
    case advice::huge:
        return MADV_HUGEPAGE;
    case advice::no_huge:
        return MADV_NOHUGEPAGE;
    }
    return MADV_NORMAL;
}

// Locked memory (mlock) refuses to be gone, but for an advice of Linux 5.18, which older headers do not know.
bool advise(void* at, std::size_t size, advice what) noexcept {
    constexpr int gone_though_locked = 24; // MADV_DONTNEED_LOCKED
    if (::madvise(at, size, linux_advice(what)) == 0) return true;
    return what == advice::gone && errno == EINVAL && ::madvise(at, size, gone_though_locked) == 0;
}

void* remap(void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
    if (target == nullptr) return checked(::mremap(at, size, new_size, 0));
    return checked(::mremap(at, size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, target));
}

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

bool barrier() noexcept { return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

bool register_barrier() noexcept { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }

std::uint64_t read_clock(clockid_t which) noexcept {
    timespec t{};
    ::clock_gettime(which, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}
std::uint64_t now() noexcept { return read_clock(CLOCK_MONOTONIC); }
std::uint64_t processor_time() noexcept { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

unsigned processor() noexcept {
    const int number = ::sched_getcpu();
    return number < 0 ? 0 : static_cast<unsigned>(number);
}

void yield() noexcept { ::sched_yield(); }

void nap() noexcept {
    const no_cancellation here;
    const errno_stays kept; // where a signal comes
    constexpr timespec time{0, 50'000};
    ::nanosleep(&time, nullptr);
}

} // namespace

constexpr system_calls linux_calls{map,    unmap,          make_accessible, make_inaccessible,
                                   advise, remap,          barrier,         register_barrier,
                                   now,    processor_time, processor,       yield,
                                   nap};

constinit atomic<const system_calls*> the_system{&linux_calls};

constinit atomic<unsigned> known_processors{0};

unsigned processors() noexcept {
    unsigned count = known_processors.load(memory_order_relaxed);
    if (count != 0) return count;
    cpu_set_t set; // refused where there are more than fit
    count = ::sched_getaffinity(0, sizeof(set), &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : CPU_SETSIZE;
    known_processors.store(count, memory_order_relaxed);
    return count;
}

std::size_t system_page() noexcept { return ::getauxval(AT_PAGESZ); }

void require_page(std::size_t bytes) noexcept {
    if (bytes == page_size) return;
    fatal("the system's pages have %zu bytes, and synk is made for pages of %zu; boot a kernel that has those", bytes,
          page_size);
}

} // namespace synk::inline v1::detail
