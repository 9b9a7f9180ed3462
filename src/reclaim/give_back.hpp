// Giving idle memory back at once: for trim(), for a failing allocation, for a fork, under pressure.
#pragma once

#include <cstddef>

#include "pages/system.hpp"

namespace synk::inline v1::detail {

// Everything idle in caches and channels becomes free pages, whole again with their neighbours. What is in quarantine
// stays there: it is not to be got again yet. False: what a thread was at work on at this moment stayed with it, which
// is asked to hand it over.
bool gather_idle() noexcept;

// Bytes that lie idle and may be resident: a recent value.
[[nodiscard]] std::size_t idle_bytes() noexcept;

// Some things need a thread to hand over its cache that may have lost its processor in the middle of a get or put.
// Between two attempts it is let run; so often that it will have, and no longer, as it may have been stopped for good.
class attempts {
public:
    // False: that was the last one.
    [[nodiscard]] bool again() noexcept {
        if (++done_ == most) return false;
        done_ < most / 2 ? os().yield() : os().nap();
        return true;
    }

private:
    static constexpr unsigned most = 8;
    unsigned done_ = 0;
};

// Gives idle memory back until at most `keep` bytes are idle. Returns the bytes.
std::size_t trim_idle(std::size_t keep) noexcept;

// What lies idle in the calling thread's cache and in channels becomes free pages.
void gather_nearby() noexcept;

// Gives at least `bytes` of idle memory back, or all that is in chunks, in channels and in the calling thread's cache.
// Returns the bytes.
std::size_t give_back_nearby(std::size_t bytes) noexcept;

// Gives idle memory back until what caches may still fill without asking anybody fits under `limit` too. For a limit
// that was lowered.
void make_fit(std::size_t limit) noexcept;

// All that is idle goes back, addresses too, since some limits count those. False: as gather_idle().
bool give_all_back() noexcept;

// The last resort before "no memory": all that is idle goes back, and try_again() says whether it has now found
// `bytes`. Where it has not, but threads were at work on something or so much is idle yet, once more: a few times.
template <class Try>
[[nodiscard]] bool after_giving_all_back(std::size_t bytes, Try try_again) noexcept {
    attempts tries;
    bool all = false;
    do {
        all = give_all_back();
        if (try_again()) return true;
    } while ((!all || idle_bytes() >= bytes) && tries.again());
    return false;
}

} // namespace synk::inline v1::detail
