// A second translation unit with all of synk: what a header defines must be definable twice. With inline functions
// compiled, not only parsed.
#include <synk/pool.hpp>
#include <synk/synk.h>

std::size_t touch_everything();

std::size_t touch_everything() {
    synk::bytes block = synk::get_sized_pool().try_get_sized(1 << 20);
    synk::buffer buffer = synk::get_unsized_pool().get_buffer();
    synk::get_unsized_pool().put_buffer(std::move(buffer));
    return block.capacity() + synk_trim(0);
}
