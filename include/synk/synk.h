/* synk's C interface: one process-wide pool of page-aligned blocks, the same that C++ code sees in
 * <synk/pool.hpp>.
 *
 * Thread safety: every function, from any thread. Nobody waits for another thread.
 * Errors: what has no memory returns NULL with errno ENOMEM, what asks for more than 2^46 bytes with EOVERFLOW.
 * A pointer that is not a block lent as a bare pointer, by this interface, bytes::release() or
 * sized_pool::allocate(), ends the process with a line that names it.
 * Options are set in the environment, as <synk/options.hpp> says: SYNK_IDLE_LIMIT=256M. It is read once, when the
 * library is loaded: setenv() in main() comes too late and does nothing. synk_configure() sets them later. */
#ifndef SYNK_SYNK_H
#define SYNK_SYNK_H

#include <stddef.h>
#include <stdint.h>

#include <synk/detail/tsan.h>

#if defined(__GNUC__)
#define SYNK_C_API __attribute__((visibility("default")))
#else
#define SYNK_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A block of at least size bytes (0 counts as 1), on a 4096-byte boundary, with unspecified contents. */
SYNK_C_API void* synk_get(size_t size);

/* The same, with its first size bytes zero. */
SYNK_C_API void* synk_get_zeroed(size_t size);

/* Puts a block back. NULL is a no-op. errno stays as it was, here and in what gets or resizes
 * without failing. */
SYNK_C_API void synk_put(void* block);

/* How many bytes a block holds; 0 for NULL. */
SYNK_C_API size_t synk_capacity(const void* block);

/* A block of at least size bytes that begins with the first min(size, capacity) bytes of block, which is put
 * back unless it is returned itself. NULL for block is synk_get(size). On failure returns NULL and block
 * stays valid. */
SYNK_C_API void* synk_resize(void* block, size_t size);

/* Gives idle memory back to the system until at most keep bytes are idle; returns the bytes given back. */
SYNK_C_API size_t synk_trim(size_t keep);

/* For a program with SYNK_KEEPER=off: what the library's thread would do now. To be called every weak_after / 4 or
 * so; a call that comes early does nothing. Returns the bytes given back. */
SYNK_C_API size_t synk_maintain(void);

/* A file descriptor that becomes readable (POLLIN) under memory pressure, for the program's own event loop, or -1
 * where the system tells nobody. It stays the library's: do not close or read it. In the child of a fork call this
 * again. When it is readable call synk_on_pressure(), which gives back all that is idle and returns the bytes. */
SYNK_C_API int synk_pressure_fd(void);
SYNK_C_API size_t synk_on_pressure(void);

/* Sets one option for the whole process from now on, as configure() in <synk/options.hpp> does. Name and value are
 * those of the environment, so that there is one of each to know: synk_configure("SYNK_IDLE_LIMIT", "256M"). Returns 0;
 * or -1 with errno EINVAL, and nothing has changed, when there is no such option, this is no value for it, or one of
 * the two is NULL. SYNK_WEAK_AFTER may not be above SYNK_GONE_AFTER: raise that one first, lower it last. Of two calls
 * at the same time one may be lost. */
SYNK_C_API int synk_configure(const char* name, const char* value);

/* Sizes in bytes, counts since the process began, as in <synk/stats.hpp>; hits and misses are those of all tiers,
 * hits what idle memory served: caches, channels and chunks. */
struct synk_stats {
    size_t mapped, lent, idle, gone;
    uint64_t hits, misses, splits, restored, dropped, given_back, refused_advice;
};

/* Fills *out. NULL is undefined behaviour. */
SYNK_C_API void synk_get_stats(struct synk_stats* out);

#ifdef __cplusplus
}
#endif

#endif
