// For what must not end in the middle: pthread_cancel() ends a thread at its next cancellation point, which most system
// calls are, by an exception that a noexcept function does not let through. What is cancelled meanwhile ends at a later
// point of the program's own.
#pragma once

#include <pthread.h>

namespace synk::inline v1::detail {

// While it lives.
class no_cancellation {
public:
    no_cancellation() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~no_cancellation() { ::pthread_setcancelstate(before_, nullptr); }
    no_cancellation(const no_cancellation&) = delete;
    no_cancellation& operator=(const no_cancellation&) = delete;

private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

} // namespace synk::inline v1::detail
