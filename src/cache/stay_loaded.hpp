// The pool's code stays in the process, even if it came with a library that is unloaded.
#pragma once

namespace synk::inline v1::detail {

// For a thread's end, fork and the keeper the system comes back to this code, with or without dlclose. So a library
// that contains the pool, be it libsynk or a plugin that has linked it statically, is marked as not to be unloaded;
// loaded again it finds its pool as it was. Takes the loader's lock: not for a get or a put.
void stay_loaded() noexcept;

} // namespace synk::inline v1::detail
