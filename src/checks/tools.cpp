#include "checks/tools.hpp"

#include <synk/detail/tsan.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define SYNK_VALGRIND(request) request
#define SYNK_ON_VALGRIND RUNNING_ON_VALGRIND
#else
#define SYNK_VALGRIND(request) static_cast<void>(0)
#define SYNK_ON_VALGRIND 0
#endif

extern "C" {
// The sanitizers' public interface; weak, so they are null in a program without them.
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* at, std::size_t size);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* at, std::size_t size);
[[gnu::weak]] void __msan_allocated_memory(const volatile void* at, std::size_t size);
}

#if SYNK_UNDER_TSAN
const char synk_library_was_not_built_with_fsanitize_thread = 0;
#endif

namespace synk::inline v1::detail::tools {

namespace {

bool on_asan() noexcept { return __asan_poison_memory_region != nullptr; }
bool on_msan() noexcept { return __msan_allocated_memory != nullptr; }
bool on_valgrind() noexcept { return SYNK_ON_VALGRIND != 0; }

} // namespace

bool active() noexcept { return on_asan() || on_msan() || on_valgrind(); }

void lend(block b) noexcept {
    if (on_asan()) __asan_unpoison_memory_region(b.data, b.capacity);
    if (on_msan()) __msan_allocated_memory(b.data, b.capacity);
    if (on_valgrind()) SYNK_VALGRIND(VALGRIND_MAKE_MEM_UNDEFINED(b.data, b.capacity));
}

void idle(block b) noexcept {
    if (on_asan()) __asan_poison_memory_region(b.data, b.capacity);
    if (on_msan()) __msan_allocated_memory(b.data, b.capacity);
    if (on_valgrind()) SYNK_VALGRIND(VALGRIND_MAKE_MEM_NOACCESS(b.data, b.capacity));
}

void forget(std::byte* at, std::size_t size) noexcept {
    if (on_asan()) __asan_unpoison_memory_region(at, size);
}

void grown(block from, block to) noexcept {
    forget(from.data, from.capacity);
    lend({to.data + from.capacity, to.capacity - from.capacity});
    if (on_asan()) __asan_unpoison_memory_region(to.data, from.capacity); // the other tools follow what moves
}

} // namespace synk::inline v1::detail::tools
