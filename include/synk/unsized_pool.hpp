// synk::unsized_pool: buffers that start at 4 KiB and grow as they are filled.
#pragma once

#include <cstddef>
#include <utility>

#include <synk/buffer.hpp>
#include <synk/bytes.hpp>
#include <synk/detail/config.hpp>

namespace synk {
inline namespace v1 {

// For data whose length is not known before it has been read. Thread safety and errors as sized_pool; both
// pools share their blocks, so what one puts the other can get.
class unsized_pool {
public:
    unsized_pool(const unsized_pool&) = delete;
    unsized_pool& operator=(const unsized_pool&) = delete;

    // A buffer with size() == 0 and capacity() >= 4096.
    [[nodiscard, gnu::always_inline]] bytes get() { return get_at_least(detail::page_size); }
    // A buffer with size() == 0 and capacity() >= n.
    [[nodiscard, gnu::always_inline]] bytes get_at_least(std::size_t n) { return bytes(detail::get(n), 0); }
    // The same, with an empty handle instead of an exception.
    [[nodiscard, gnu::always_inline]] bytes try_get() noexcept { return try_get_at_least(detail::page_size); }
    [[nodiscard, gnu::always_inline]] bytes try_get_at_least(std::size_t n) noexcept {
        return bytes(detail::try_get(n), 0);
    }
    // What the destructor of the handle would do. An empty handle is a no-op.
    [[gnu::always_inline]] void put(bytes&& b) noexcept { b.reset(); }

    // The same as buffers with a write and a read cursor.
    [[nodiscard]] buffer get_buffer() { return buffer(get()); }
    [[nodiscard]] buffer get_buffer_at_least(std::size_t n) { return buffer(get_at_least(n)); }
    void put_buffer(buffer&& b) noexcept { [[maybe_unused]] const buffer gone(std::move(b)); }

private:
    friend unsized_pool& get_unsized_pool() noexcept;
    constexpr unsized_pool() noexcept = default;

    SYNK_API static unsized_pool the_pool;
};

[[nodiscard]] inline unsized_pool& get_unsized_pool() noexcept { return unsized_pool::the_pool; }

} // namespace v1
} // namespace synk
