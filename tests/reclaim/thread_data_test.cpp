// A program with more thread-local data than the keeper's stack is large: the C library puts them there.
// ctest-program: own, as its threads are large

#include <cstddef>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_pressure.hpp"
#include "support/process_memory.hpp"

namespace {

using namespace synk_test;

thread_local char data[300 * kib];

TEST(thread_data, that_are_large_leave_room_for_a_keeper) {
    EXPECT_TRUE(ends_well(in_child([] {
        static_cast<volatile char*>(data)[0] = 1; // they are there
        put_some(8 * mib);
        require(comes_true([] { return find_keeper().has_value(); }), "there is a keeper");
    })));
}

} // namespace
