// Addresses that went back to the system are anybody's: memory that is mapped there later is not poisoned.

#include <cstring>
#include <vector>

#include <sys/mman.h>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "shared/shared_store.hpp"

namespace {

TEST(unmapped_addresses, can_be_used_by_others) {
    constexpr std::size_t size = std::size_t{4} << 20;
    synk::configure({.keeper = false}); // its thread, as it starts, may be the one that takes them
    for (const std::size_t n : {size, 4 * size}) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        void* const at = b.data();
        b.reset();
        synk::trim();
        synk::detail::shared_store::unmap_free();
        void* const p = ::mmap(at, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        ASSERT_EQ(p, at) << "the addresses are still taken";
        std::memset(p, 1, n);
        ::munmap(p, n);
    }
}

} // namespace
