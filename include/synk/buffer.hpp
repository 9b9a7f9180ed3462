// synk::buffer: a pooled buffer with a write and a read cursor.
#pragma once

#include <synk/bytes.hpp>

namespace synk {
inline namespace v1 {

class buffer {
public:
    buffer() noexcept = default;
    explicit buffer(bytes&& storage) noexcept : storage_(std::move(storage)) {}

private:
    bytes storage_;
};

} // namespace v1
} // namespace synk
