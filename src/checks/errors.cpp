#include "checks/errors.hpp"

#include <cstdio>
#include <new>
#include <stdexcept>

#include <synk/detail/size_class.hpp>

namespace synk::inline v1::detail {

namespace {

class no_memory : public std::bad_alloc {
public:
    explicit no_memory(std::size_t n) noexcept {
        std::snprintf(text_, sizeof(text_),
                      "synk: the system has no memory for a block of %zu bytes, and nothing idle is left to give back; "
                      "lend less at a time or raise the memory limit",
                      n);
    }
    [[nodiscard]] const char* what() const noexcept override { return text_; }

private:
    char text_[200];
};

} // namespace

void throw_no_memory(std::size_t n) { throw no_memory(n); }

void throw_impossible(std::size_t n) {
    char text[200];
    std::snprintf(text, sizeof(text),
                  "synk: a block of %zu bytes cannot exist, the limit is %zu; a negative length converted to size_t?",
                  n, max_block_size);
    throw std::length_error(text);
}

} // namespace synk::inline v1::detail
