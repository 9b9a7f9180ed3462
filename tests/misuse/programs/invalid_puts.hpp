// Pointers that are put, and that the pool never gave out.
#pragma once

#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>

#include "misuse/programs/misuse.hpp"

namespace synk_test {

namespace invalid_puts {

inline void put_at(void* p, std::ptrdiff_t offset) { synk_put(static_cast<std::byte*>(p) + offset); }
inline void put_number(std::uintptr_t address) { synk_put(reinterpret_cast<void*>(address)); }

inline void one_byte_in() { put_at(synk_get(some_size), 1); }
inline void one_page_in() { put_at(synk_get(4 * whole_size), 4096); }
inline void inside_large_block() { put_at(synk_get(std::size_t{9} << 20), 4 << 20); }
inline void last_byte() { put_at(synk_get(some_size), some_size - 1); }

inline void of_handle() {
    synk::bytes b = synk::get_sized_pool().get_sized(some_size);
    synk_put(b.data());
}
inline void on_stack() {
    int object = 0;
    synk_put(&object);
}
inline void global() {
    static int object = 0;
    synk_put(&object);
}
inline void from_malloc() { synk_put(std::malloc(some_size)); }
inline void from_mmap() {
    synk_put(::mmap(nullptr, whole_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}
inline void unmapped() {
    void* const p = ::mmap(nullptr, whole_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::munmap(p, whole_size);
    synk_put(p);
}
inline void nearly_null() { put_number(16); }
inline void not_canonical() { put_number(std::uintptr_t{0xDEADBEEF} << 32); }
// As the handles of another copy are to this one: of memory that is not its own.
inline void of_another_copy() {
    namespace inside = synk::detail;
    alignas(4096) static std::byte theirs[whole_size];
    inside::put(inside::held_block(inside::block{theirs, sizeof(theirs)}));
}

} // namespace invalid_puts

inline constexpr misuse invalid_put_programs[] = {
    {"a byte into a block", invalid_puts::one_byte_in, nothing_more, found::at_put, found::at_put, found::at_put},
    {"a page into a block", invalid_puts::one_page_in, nothing_more, found::at_put, found::at_put, found::at_put},
    {"4 MiB into a large block", invalid_puts::inside_large_block, nothing_more, found::at_put, found::at_put,
     found::at_put},
    {"the last byte of a block", invalid_puts::last_byte, nothing_more, found::at_put, found::at_put, found::at_put},
    {"what a handle owns", invalid_puts::of_handle, nothing_more, found::at_put, found::at_put, found::at_put},
    {"an object on the stack", invalid_puts::on_stack, nothing_more, found::at_put, found::at_put, found::at_put},
    {"a global object", invalid_puts::global, nothing_more, found::at_put, found::at_put, found::at_put},
    {"a block from malloc", invalid_puts::from_malloc, nothing_more, found::at_put, found::at_put, found::at_put},
    {"a mapping", invalid_puts::from_mmap, nothing_more, found::at_put, found::at_put, found::at_put},
    {"an address where nothing is mapped", invalid_puts::unmapped, nothing_more, found::at_put, found::at_put,
     found::at_put},
    {"a field of a null pointer", invalid_puts::nearly_null, nothing_more, found::at_put, found::at_put, found::at_put},
    {"no address at all", invalid_puts::not_canonical, nothing_more, found::at_put, found::at_put, found::at_put},
    {"a handle of another copy of synk", invalid_puts::of_another_copy, everything_leaves, found::later, found::at_put,
     found::at_put},
};

} // namespace synk_test
