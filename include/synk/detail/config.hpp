// What the public headers need of the compiler, in one place.
#pragma once

#include <synk/detail/tsan.h>
#include <synk/version.hpp>

#if !defined(__linux__) || __SIZEOF_POINTER__ != 8
#error "synk runs on 64-bit Linux: its promises rest on much address space, madvise, mremap and membarrier"
#endif

// Everything of the library's own is hidden in the shared library but what carries this mark.
#define SYNK_API __attribute__((visibility("default")))

// ThreadSanitizer cannot see a membarrier: code built under it takes the seq_cst form of the cache's gate.
#ifndef SYNK_TSAN // a test may want the other form
#define SYNK_TSAN SYNK_UNDER_TSAN
#endif

// The two forms do not keep each other out: what is compiled for one of them is not to be linked to the other.
#if SYNK_UNDER_TSAN
#define SYNK_TAG_OF_TSAN , gnu::abi_tag("built_with_fsanitize_thread")
#else
#define SYNK_TAG_OF_TSAN
#endif
