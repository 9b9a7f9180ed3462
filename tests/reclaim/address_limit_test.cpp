// RLIMIT_AS counts addresses: before an allocation is said to have failed, idle addresses go back, wherever they lie.
// ctest-variants: plain

#include <algorithm>
#include <new>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/process_memory.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;

void limit_addresses(std::size_t bytes) {
    rlimit limit;
    require(::getrlimit(RLIMIT_AS, &limit) == 0, "there is a limit");
    limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
    require(::setrlimit(RLIMIT_AS, &limit) == 0, "it can be set");
}
std::size_t addresses_in_use() { return std::stoul(status_line("/proc/self/status", "VmSize")) * 1024; }

void use(std::size_t count, std::size_t n) {
    std::vector<synk::bytes> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(synk::get_sized_pool().get_sized(n));
}

// Idle in this thread's cache, in that of a thread that sleeps, in the channel, in chunks, and on the shelf.
void leave_something_everywhere(worker& other) {
    synk::options o;
    o.idle_limit = 1024 * mib;
    o.keeper = false;
    synk::configure(o);
    other.run([] { use(8, 4 * mib); });
    other.run([] { use(2, 24 * mib); });
    use(50, 4 * mib);
    use(100, 64 * 1024);
    use(4, 40 * mib);
    const synk::statistics s = synk::stats();
    require(s.idle_cached != 0 && s.idle_channel != 0 && s.idle_chunk != 0 && s.idle_large != 0, "it lies everywhere");
    require(s.idle == s.idle_cached + s.idle_channel + s.idle_chunk + s.idle_large && s.idle > 400 * mib, "much of it");
}

TEST(address_limit, a_large_get_unmaps_what_is_idle_first) {
    EXPECT_TRUE(ends_well(in_child([] {
        worker other;
        leave_something_everywhere(other);
        limit_addresses(addresses_in_use() + 16 * mib);
        const synk::bytes large = synk::get_sized_pool().get_sized(380 * mib);
        require(large.size() == 380 * mib, "it fits once all idle addresses are gone");
        ::_exit(0);
    })));
}

// A system that refuses to move mappings, as one with too many of them does, may have unmapped the target or not.
TEST(address_limit, growth_that_is_refused_loses_few_addresses) {
    EXPECT_TRUE(ends_well(in_child([] {
        const auto grow = [](int times) {
            for (int i = 0; i < times; ++i) synk::get_sized_pool().get_sized(6 * mib).resize(40 * mib);
            synk::trim();
            return addresses_in_use();
        };
        grow(1);
        const system_that_refuses system({.remap = true});
        const std::size_t after_some = grow(20);
        require(grow(100) <= after_some + 6 * 48 * mib, "growing copies, most often");
    })));
}

TEST(address_limit, a_small_get_does_too) {
    EXPECT_TRUE(ends_well(in_child([] {
        worker other;
        leave_something_everywhere(other);
        limit_addresses(addresses_in_use());
        std::vector<synk::bytes> blocks;
        blocks.reserve(100);
        for (int i = 0; i < 90; ++i) blocks.push_back(synk::get_sized_pool().get_sized(4 * mib));
        ::_exit(0);
    })));
}

TEST(address_limit, what_never_fits_is_bad_alloc_and_no_more) {
    EXPECT_TRUE(ends_well(in_child([] {
        limit_addresses(addresses_in_use() + 64 * mib);
        bool thrown = false;
        try {
            static_cast<void>(synk::get_sized_pool().get_sized(1024 * mib));
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        require(thrown, "no memory is bad_alloc");
        require(!synk::get_sized_pool().try_get_sized(1024 * mib), "or an empty handle");
        use(4, 4 * mib);
    })));
}

// Blocks begin at multiples of 4 MiB: the system's first answer seldom does, and there is no room to cut.
TEST(address_limit, a_large_get_needs_no_more_addresses_than_the_block) {
    EXPECT_TRUE(ends_well(in_child([] {
        for (const std::size_t n : {5 * mib, 6 * mib, 7 * mib, 10 * mib, 14 * mib, 28 * mib}) {
            const std::size_t capacity = synk::get_sized_pool().get_sized(n).capacity();
            synk::trim();
            const std::size_t before = addresses_in_use();
            limit_addresses(before + capacity);
            const synk::bytes large = synk::get_sized_pool().get_sized(n);
            require(large.capacity() == capacity && addresses_in_use() == before + capacity, "it fits");
            limit_addresses(RLIM_INFINITY);
        }
        ::_exit(0);
    })));
}

// A file says that it is longer than all addresses: what there is room for is read, as of a pipe.
TEST(address_limit, a_file_is_read_as_far_as_it_fits) {
    EXPECT_TRUE(ends_well(in_child([] {
        const int file = ::memfd_create("long", MFD_CLOEXEC);
        require(file >= 0 && ::ftruncate(file, off_t{1} << 62) == 0, "there are such files");
        limit_addresses(addresses_in_use() + 400 * mib);
        synk::buffer b;
        bool thrown = false;
        try {
            static_cast<void>(b.read_from(file));
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        require(thrown && b.size() >= 64 * mib, "no memory is bad_alloc, and what was read stays");
    })));
}

} // namespace
