// The keeper never calls malloc: that may stand on the pool, or be locked for ever in the child of a fork.
// ctest-variants: plain
// ctest-program: own, as it has a malloc of its own

#include <atomic>
#include <chrono>
#include <cstddef>

#include <unistd.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/memory_pressure.hpp"
#include "support/process_memory.hpp"

namespace {
constinit std::atomic<pid_t> may_call{0}; // the one thread that may; 0: nobody looks
constinit std::atomic<int> calls{0};      // by others

void note_call() noexcept {
    if (may_call != 0 && ::gettid() != may_call) ++calls;
}
} // namespace

// The C library's own names for what a program may replace.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* p, std::size_t size);
void __libc_free(void* p);

void* malloc(std::size_t size) { return note_call(), __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) { return note_call(), __libc_calloc(count, size); }
void* realloc(void* p, std::size_t size) { return note_call(), __libc_realloc(p, size); }
void free(void* p) { return note_call(), __libc_free(p); }
}

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

TEST(keeper_malloc, is_not_called_while_it_listens_and_gives_back) {
    EXPECT_TRUE(ends_well(in_child([] {
        may_call = ::gettid();
        synk::options o;
        o.weak_after = milliseconds(40);
        o.gone_after = milliseconds(200);
        synk::configure(o);
        for (int i = 0; i < 2; ++i) {
            put_some(32 * mib);
            require(comes_true([] { return synk::stats().idle == 0; }), "idle memory goes");
        }
        require(find_keeper().has_value(), "the keeper did that");
        require(calls == 0, "the keeper calls malloc");
    })));
}

} // namespace
