// Touches before and behind a block.
#pragma once

#include <algorithm>
#include <array>
#include <thread>

#include "chunks/address_map.hpp"
#include "misuse/programs/misuse.hpp"

namespace synk_test {

namespace overruns {

// Neighbours all around: what is hit are the program's own blocks, so that nothing is found by accident.
inline std::array<synk::bytes, 500> held;

// A block in the middle of them.
inline synk::bytes& block_of(std::size_t n) {
    for (synk::bytes& b : held) b = synk::get_sized_pool().get_sized(n);
    const auto in_the_middle = [](const synk::bytes& b) {
        const auto place = reinterpret_cast<std::uintptr_t>(b.data()) % (4 << 20);
        return place > (std::size_t{1} << 20) && place < (std::size_t{3} << 20);
    };
    synk::bytes& b = *std::find_if(held.begin(), held.end(), in_the_middle);
    return synk::detail::places.find(b.data()).as_chunk() != nullptr ? b : held[0]; // guarded: it has no neighbours
}
inline void put_all() {
    for (synk::bytes& b : held) b.reset();
}

inline constexpr std::ptrdiff_t far = 512 << 10;
inline constexpr std::size_t run = 64 << 10;

inline void write_into_own_page() { write_to(block_of(some_size).data(), some_size); }
inline void read_in_own_page() { read_from(block_of(some_size).data(), some_size); }
inline void write_behind() { write_to(block_of(whole_size).data(), whole_size); }
inline void read_behind() { read_from(block_of(whole_size).data(), whole_size); }
inline void write_run_behind() { write_to(block_of(some_size).data(), some_size, run); }
inline void write_far_behind() { write_to(block_of(whole_size).data(), whole_size + far); }
inline void read_far_behind() { read_from(block_of(whole_size).data(), whole_size + far); }
inline void write_before() { write_to(block_of(whole_size).data(), -1); }
inline void read_before() { read_from(block_of(whole_size).data(), -1); }
inline void write_run_before() {
    std::byte* const data = block_of(whole_size).data();
    for (std::ptrdiff_t i = 1; i <= static_cast<std::ptrdiff_t>(run); ++i) write_to(data, -i);
}
inline void write_far_before() { write_to(block_of(whole_size).data(), -far); }
inline void read_far_before() { read_from(block_of(whole_size).data(), -far); }

inline void write_from_another_thread() {
    std::byte* const data = block_of(whole_size).data();
    std::thread([data] { write_to(data, whole_size); }).join();
}

inline void* bare = nullptr;
inline void write_behind_pointer() { write_to(bare = synk_get(some_size), some_size); }
inline void put_bare() { synk_put(bare); }

inline void write_into_idle_neighbour() {
    std::byte* const data = block_of(whole_size).data();
    const auto next =
        std::find_if(held.begin(), held.end(), [data](const synk::bytes& b) { return b.data() == data + whole_size; });
    if (next != held.end()) next->reset();
    write_to(data, whole_size);
}

} // namespace overruns

inline constexpr misuse overrun_programs[] = {
    {"write of a byte behind 5000", overruns::write_into_own_page, overruns::put_all, found::never, found::never,
     found::later},
    {"write of a byte behind 5000, by a bare pointer", overruns::write_behind_pointer, overruns::put_bare, found::never,
     found::never, found::later},
    {"read of a byte behind 5000", overruns::read_in_own_page, overruns::put_all, found::never, found::never,
     found::never},
    {"write of a byte behind 8192", overruns::write_behind, overruns::put_all, found::never, found::never,
     found::at_touch},
    {"write of a byte behind 8192, by another thread", overruns::write_from_another_thread, overruns::put_all,
     found::never, found::never, found::at_touch},
    {"read of a byte behind 8192", overruns::read_behind, overruns::put_all, found::never, found::never,
     found::at_touch},
    {"write of 64 KiB behind 5000", overruns::write_run_behind, overruns::put_all, found::never, found::never,
     found::at_touch},
    {"write into an idle block behind", overruns::write_into_idle_neighbour, everything_leaves, found::never,
     found::later, found::at_touch},
    {"write 512 KiB behind", overruns::write_far_behind, overruns::put_all, found::never, found::never,
     found::at_touch},
    {"read 512 KiB behind", overruns::read_far_behind, overruns::put_all, found::never, found::never, found::at_touch},
    {"write of a byte before", overruns::write_before, overruns::put_all, found::never, found::never, found::at_touch},
    {"read of a byte before", overruns::read_before, overruns::put_all, found::never, found::never, found::at_touch},
    {"write of 64 KiB before", overruns::write_run_before, overruns::put_all, found::never, found::never,
     found::at_touch},
    {"write 512 KiB before", overruns::write_far_before, overruns::put_all, found::never, found::never,
     found::at_touch},
    {"read 512 KiB before", overruns::read_far_before, overruns::put_all, found::never, found::never, found::at_touch},
};

} // namespace synk_test
