// Blocks that are put a second time.
#pragma once

#include <cstring>
#include <new>
#include <thread>

#include "misuse/programs/misuse.hpp"

namespace synk_test {

namespace double_puts {

inline void* rightful = nullptr; // the second owner's

inline void* got_and_put() {
    void* const p = synk_get(some_size);
    synk_put(p);
    return p;
}

inline void at_once() { synk_put(got_and_put()); }

inline void below_others() {
    void* const p = synk_get(some_size);
    void* const q = synk_get(some_size);
    synk_put(p);
    synk_put(q);
    synk_put(p);
}

inline void from_another_thread() {
    void* const p = got_and_put();
    std::thread([p] { synk_put(p); }).join();
}

inline void by_another_function() { synk::get_sized_pool().deallocate(got_and_put(), some_size); }

inline void by_adoption() { static_cast<void>(synk::bytes::adopt(got_and_put())); }

inline void of_large_block() {
    void* const p = synk_get(std::size_t{9} << 20);
    synk_put(p);
    synk_put(p);
}

inline void after_trim() {
    void* const p = got_and_put();
    synk::trim();
    synk_put(p);
}

inline void while_a_handle_has_it() {
    void* const p = got_and_put();
    const synk::bytes next = synk::get_sized_pool().get_sized(some_size);
    synk_put(p);
}

inline void while_a_pointer_has_it() {
    void* const p = got_and_put();
    rightful = synk_get(some_size);
    synk_put(p);
}
inline void rightful_put() { synk_put(rightful); }

inline void by_copied_handle() {
    alignas(synk::bytes) std::byte copy[sizeof(synk::bytes)];
    synk::bytes b = synk::get_sized_pool().get_sized(some_size);
    std::memcpy(copy, static_cast<void*>(&b), sizeof(copy));
    b.reset();
    std::launder(reinterpret_cast<synk::bytes*>(copy))->reset();
}

} // namespace double_puts

inline constexpr misuse double_put_programs[] = {
    {"at once", double_puts::at_once, nothing_more, found::at_put, found::at_put, found::at_put},
    {"after other puts", double_puts::below_others, nothing_more, found::at_put, found::at_put, found::at_put},
    {"by another thread", double_puts::from_another_thread, nothing_more, found::at_put, found::at_put, found::at_put},
    {"by another function", double_puts::by_another_function, nothing_more, found::at_put, found::at_put,
     found::at_put},
    {"by an adoption", double_puts::by_adoption, nothing_more, found::at_put, found::at_put, found::at_put},
    {"of a large block", double_puts::of_large_block, nothing_more, found::at_put, found::at_put, found::at_put},
    {"after a trim", double_puts::after_trim, nothing_more, found::at_put, found::at_put, found::at_put},
    {"while a handle has the block", double_puts::while_a_handle_has_it, nothing_more, found::at_put, found::at_put,
     found::at_put},
    {"while another pointer has the block", double_puts::while_a_pointer_has_it, double_puts::rightful_put,
     found::later, found::at_put, found::at_put},
    {"by a handle that was copied with memcpy", double_puts::by_copied_handle, everything_leaves, found::later,
     found::at_put, found::at_put},
};

} // namespace synk_test
