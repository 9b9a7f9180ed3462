// What the public headers need of the compiler, in one place.
#pragma once

#include <synk/version.hpp>

#if !defined(__linux__) || __SIZEOF_POINTER__ != 8
#error "synk runs on 64-bit Linux: its promises rest on much address space, madvise, mremap and membarrier"
#endif

// Everything of the library's own is hidden in the shared library but what carries this mark.
#define SYNK_API __attribute__((visibility("default")))

// ThreadSanitizer cannot see a membarrier: code built under it takes the seq_cst form of the cache's gate.
#if defined(__SANITIZE_THREAD__)
#define SYNK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SYNK_TSAN 1
#endif
#endif
#ifndef SYNK_TSAN
#define SYNK_TSAN 0
#endif
