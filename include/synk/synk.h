/* synk's C interface: one process-wide pool of page-aligned blocks, the same that C++ code sees in
 * <synk/pool.hpp>.
 *
 * Thread safety: every function, from any thread. Nobody waits for another thread.
 * Errors: what has no memory, or asks for what cannot exist, returns NULL with errno set (ENOMEM, EOVERFLOW).
 * A pointer that is not a block lent by this interface ends the process with a line that names it. */
#ifndef SYNK_SYNK_H
#define SYNK_SYNK_H

#include <stddef.h>
#include <stdint.h>

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

/* Puts a block back. NULL is a no-op. */
SYNK_C_API void synk_put(void* block);

/* How many bytes a block holds; 0 for NULL. */
SYNK_C_API size_t synk_capacity(const void* block);

/* A block of at least size bytes that begins with the first min(size, capacity) bytes of block, which is put
 * back unless it is returned itself. NULL for block is synk_get(size). On failure returns NULL and block
 * stays valid. */
SYNK_C_API void* synk_resize(void* block, size_t size);

/* Gives idle memory back to the system until at most keep bytes are idle; returns the bytes given back. */
SYNK_C_API size_t synk_trim(size_t keep);

/* Sizes in bytes, counts since the process began. See <synk/stats.hpp>. */
struct synk_stats {
    size_t mapped, lent, idle, gone;
    uint64_t hits, misses, splits, restored, dropped, given_back, refused_advice;
};

SYNK_C_API void synk_get_stats(struct synk_stats* out);

#ifdef __cplusplus
}
#endif

#endif
