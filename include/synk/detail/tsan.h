/* Whether this is compiled for ThreadSanitizer, for C and C++. */
#ifndef SYNK_DETAIL_TSAN_H
#define SYNK_DETAIL_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define SYNK_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SYNK_UNDER_TSAN 1
#endif
#endif
#ifndef SYNK_UNDER_TSAN
#define SYNK_UNDER_TSAN 0
#endif

/* A hand-over that it does not see in the library it takes for a race in the program. So the program asks the linker
 * for a name that only a library compiled for it has. */
#if SYNK_UNDER_TSAN
#ifdef __cplusplus
extern "C" {
#endif
extern __attribute__((visibility("default"))) const char synk_library_was_not_built_with_fsanitize_thread;
__attribute__((used)) static const char* const synk_library_for_tsan =
    &synk_library_was_not_built_with_fsanitize_thread;
#ifdef __cplusplus
}
#endif
#endif

#endif
