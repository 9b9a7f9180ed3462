// How long a test with a loop takes: less under slow tools, more with SYNK_LONG=1 in the environment.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SYNK_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SYNK_TEST_SANITIZED 1
#endif
#endif

namespace synk_test {

inline bool long_run() {
    const char* const wanted = std::getenv("SYNK_LONG");
    return wanted != nullptr && std::strcmp(wanted, "0") != 0;
}

// How many times slower than the plain build.
inline std::size_t slowness() {
#ifdef RUNNING_ON_VALGRIND
    if (RUNNING_ON_VALGRIND) return 40;
#endif
#ifdef SYNK_TEST_SANITIZED
    return 8;
#else
    return 1;
#endif
}

// `usual` rounds, as many more or fewer as the circumstances want; at least one.
inline std::size_t effort(std::size_t usual) {
    const std::size_t rounds = usual * (long_run() ? 30 : 1) / slowness();
    return rounds != 0 ? rounds : 1;
}

} // namespace synk_test
