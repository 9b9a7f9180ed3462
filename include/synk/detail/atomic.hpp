// The only door through which atomics come in. A test that wants to put its own in their place (an
// interleaving explorer, a model checker) names a header in SYNK_ATOMIC_HEADER that defines the same names.
#pragma once

#ifdef SYNK_ATOMIC_HEADER
#include SYNK_ATOMIC_HEADER
#else

#include <atomic>

namespace synk {
inline namespace v1 {
namespace detail {

template <class T>
using atomic = std::atomic<T>;

// Data that is not atomic and that threads hand over by atomics: the explorer checks that they do.
template <class T>
using plain = T;

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

// Keeps the compiler (not the processor) from moving accesses across; the processor's half is a membarrier on
// the other side. See gate.hpp.
inline void compiler_barrier() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

} // namespace detail
} // namespace v1
} // namespace synk

#endif
