// synk::sized_pool: buffers whose size is known when they are got.
#pragma once

#include <cstddef>
#include <utility>

#include <synk/buffer.hpp>
#include <synk/bytes.hpp>
#include <synk/detail/config.hpp>

namespace synk {
inline namespace v1 {

// Eleven tiers, 4 KiB to 4 MiB, and large blocks above. The process has one; get_sized_pool() names it.
//
// Thread safety: every member, from any thread, at any time from static initialisers to static destructors,
// and in both processes after a fork. No get and no put waits for another thread. In signal handlers: puts, and gets
// that do not throw, so try_get_sized() (docs/giving-back.md says what a thread's first use may need there).
class sized_pool {
public:
    sized_pool(const sized_pool&) = delete;
    sized_pool& operator=(const sized_pool&) = delete;

    // A buffer with size() == n and capacity() >= n, n = 0 included: at most a quarter more, in pages; but up to twice
    // as much while much lies idle, and above 64 KiB up to four times as much while little is lent, 4 MiB at most
    // (docs/giving-back.md). Throws std::length_error when no buffer could ever be that large, std::bad_alloc when
    // there is no memory.
    [[nodiscard, gnu::always_inline]] bytes get_sized(std::size_t n) { return bytes(detail::get(n), n); }
    // The same, with an empty handle instead of an exception.
    [[nodiscard, gnu::always_inline]] bytes try_get_sized(std::size_t n) noexcept {
        const detail::held_block b = detail::try_get(n);
        return b.data != nullptr ? bytes(b, n) : bytes();
    }
    // What the destructor of the handle would do. An empty handle is a no-op.
    [[gnu::always_inline]] void put(bytes&& b) noexcept { b.reset(); }

    // An empty buffer (nothing to read) that n bytes can be written to without growing.
    [[nodiscard]] buffer get_sized_buffer(std::size_t n) {
        bytes b = get_sized(n);
        b.clear();
        return buffer(std::move(b));
    }
    void put_sized_buffer(buffer&& b) noexcept { [[maybe_unused]] const buffer gone(std::move(b)); }

    // For code that must carry a bare pointer. The block starts on a 4096-byte boundary and has at least n
    // bytes. Errors as get_sized.
    [[nodiscard]] void* allocate(std::size_t n) { return detail::get_bare(n); }
    // The same, with null instead of an exception.
    [[nodiscard]] void* try_allocate(std::size_t n) noexcept { return detail::try_get_bare(n); }
    // p came from allocate(), try_allocate() or release() and n is at most the block's capacity; null is a no-op.
    // Anything else - a foreign or interior pointer, a second put, an n that the block never had - ends the process
    // with a line that names the pointer and what is wrong with it.
    void deallocate(void* p, std::size_t n) noexcept { detail::put_bare(p, n); }

private:
    friend sized_pool& get_sized_pool() noexcept;
    constexpr sized_pool() noexcept = default;

    SYNK_API static sized_pool the_pool;
};

[[nodiscard]] inline sized_pool& get_sized_pool() noexcept { return sized_pool::the_pool; }

} // namespace v1
} // namespace synk
