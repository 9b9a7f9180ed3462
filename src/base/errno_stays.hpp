// While one lives, errno may change; then it is again what it was.
#pragma once

#include <cerrno>

namespace synk::inline v1::detail {

// What the system is asked on the way is no business of the caller's, who may be a signal handler, or put a buffer on
// the way out of an error.
class errno_stays {
public:
    errno_stays() noexcept = default;
    ~errno_stays() { errno = before_; }
    errno_stays(const errno_stays&) = delete;
    errno_stays& operator=(const errno_stays&) = delete;

private:
    int before_ = errno;
};

} // namespace synk::inline v1::detail
