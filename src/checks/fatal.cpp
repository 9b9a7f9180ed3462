#include "checks/fatal.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "base/no_cancellation.hpp"

namespace synk::inline v1::detail {

namespace {

void write_all(const char* text, std::size_t size) noexcept {
    while (size != 0) {
        const ssize_t done = ::write(STDERR_FILENO, text, size);
        if (done <= 0) return;
        text += done;
        size -= static_cast<std::size_t>(done);
    }
}

} // namespace

void fatal(const char* format, ...) noexcept {
    const no_cancellation here;
    char line[400] = "synk: ";
    constexpr std::size_t prefix = sizeof("synk: ") - 1;
    std::va_list arguments;
    va_start(arguments, format);
    const int wanted = std::vsnprintf(line + prefix, sizeof(line) - prefix - 1, format, arguments);
    va_end(arguments);
    const std::size_t room = sizeof(line) - prefix - 2;
    std::size_t length = wanted < 0 ? 0 : static_cast<std::size_t>(wanted);
    if (length > room) length = room;
    line[prefix + length] = '\n';
    write_all(line, prefix + length + 1);
    std::abort();
}

} // namespace synk::inline v1::detail
