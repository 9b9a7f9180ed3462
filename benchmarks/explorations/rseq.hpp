// A cache whose pop and push are restartable sequences: a handful of instructions that the kernel starts again when it
// preempts, migrates or signals the thread among them. The store of a bin's word is the last one and makes it all true.
//
// Where it comes from: rseq(2) and Documentation/userspace-api/rseq.rst of Linux; glibc 2.35 and later register an area
// for every thread and name it by __rseq_offset and __rseq_size.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/rseq.h>

#include <synk/detail/atomic.hpp>
#include <synk/detail/size_class.hpp>

namespace explore {

inline constexpr unsigned class_count = synk::detail::chunk_class_count;
inline constexpr unsigned slots_per_bin = 64;

// The layout of the library's bins, without the gate. The assembler below knows these offsets.
struct restartable_cache {
    struct bin {
        std::uint64_t word; // count in the low byte, hits above
        std::uint32_t limit;
        std::uint32_t pages;
    };
    synk::detail::atomic<std::uint8_t> closed; // by a thread that takes the blocks out
    alignas(64) bin bins[class_count];
    std::byte* slots[class_count][slots_per_bin];
};
inline constexpr std::size_t cache_stride = std::size_t{1} << 15; // of one CPU's cache to the next one's
static_assert(sizeof(restartable_cache) <= cache_stride);
static_assert(offsetof(restartable_cache, closed) == 0 && offsetof(restartable_cache, bins) == 64);
static_assert(offsetof(restartable_cache, slots) == 640 && sizeof(restartable_cache::bin) == 16);

// The thread's area has no number of a CPU where nothing is registered: an old kernel or C library, a sandbox that
// refuses the call, Valgrind.
[[nodiscard]] inline struct rseq* this_area() noexcept {
    return reinterpret_cast<struct rseq*>(static_cast<std::byte*>(__builtin_thread_pointer()) + __rseq_offset);
}
inline bool pretended = false; // that it is registered: for callgrind, which knows no rseq
[[nodiscard]] inline bool is_registered() noexcept {
    return (__rseq_size != 0 || pretended) && static_cast<std::int32_t>(this_area()->cpu_id) >= 0;
}
// What follows runs on one thread that nobody interrupts.
inline void pretend_registration() noexcept {
    pretended = true;
    *const_cast<volatile std::uint32_t*>(&this_area()->cpu_id) = 0;
}

enum class ended : std::uint8_t { done, refused, closed };

// Which cache: that at `base`, or of an array that begins there the one of the CPU that runs the sequence. The number
// is read inside, so that it holds until the last store.
enum class owner : std::uint8_t { thread, cpu };

struct sequence_place {
    restartable_cache* base;
    std::uint64_t count; // of caches from base on
    std::uint64_t bin;   // offset of the class's bin among the bins
    std::uint64_t slots; // and of its slots among the slots
};
[[nodiscard, gnu::always_inline]] inline sequence_place place_of(restartable_cache* base, std::uint64_t count,
                                                                 unsigned cls) noexcept {
    return {base, count, cls * sizeof(restartable_cache::bin), cls * slots_per_bin * sizeof(std::byte*)};
}

// clang-format off
#define EXPLORE_DESCRIPTOR /* version and flags 0; where it begins, how long it is, where it goes when stopped */ \
    ".pushsection __rseq_cs, \"aw?\"\n\t.balign 32\n3:\t.long 0, 0\n\t.quad 1f, 2f - 1f, 4f\n\t.popsection\n\t"

#if defined(__x86_64__)
#define EXPLORE_BEGIN "leaq 3b(%%rip), %[at]\n\tmovq %[at], %%fs:8(%[area])\n1:\n\t"
#define EXPLORE_OWN "movq %[base], %[at]\n\t"
#define EXPLORE_OF_CPU \
    "movl %%fs:4(%[area]), %k[at]\n\tcmpl %k[count], %k[at]\n\tjae %l[shut]\n\t" \
    "shlq $15, %[at]\n\taddq %[base], %[at]\n\t"
#define EXPLORE_OPEN "cmpb $0, (%[at])\n\tjne %l[shut]\n\t"
#define EXPLORE_COUNT "movq 64(%[at],%[bin]), %[word]\n\tmovzbl %b[word], %k[n]\n\t"
#define EXPLORE_POP \
    "testl %k[n], %k[n]\n\tje %l[refused]\n\tleaq (%[at],%[slots]), %[data]\n\t" \
    "movq 632(%[data],%[n],8), %[data]\n\taddq $255, %[word]\n\tmovq %[word], 64(%[at],%[bin])\n2:\n\t"
#define EXPLORE_PUSH \
    "cmpl 72(%[at],%[bin]), %k[n]\n\tje %l[refused]\n\tleaq (%[at],%[slots]), %[to]\n\t" \
    "movq %[data], 640(%[to],%[n],8)\n\tincq %[word]\n\tmovq %[word], 64(%[at],%[bin])\n2:\n\t"
#define EXPLORE_ABORT /* the signature that glibc registered, inside of an instruction that traps */ \
    ".pushsection .text.unlikely, \"ax?\"\n\t.byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n" \
    "4:\tjmp %l[stopped]\n\t.popsection"
#define EXPLORE_AREA "r"(__rseq_offset)
#elif defined(__aarch64__)
#define EXPLORE_BEGIN "adrp %[at], 3b\n\tadd %[at], %[at], :lo12:3b\n\tstr %[at], [%[area], 8]\n1:\n\t"
#define EXPLORE_OWN "mov %[at], %[base]\n\t"
#define EXPLORE_OF_CPU \
    "ldr %w[at], [%[area], 4]\n\tcmp %w[at], %w[count]\n\tb.hs %l[shut]\n\tadd %[at], %[base], %[at], lsl 15\n\t"
#define EXPLORE_OPEN "ldarb %w[n], [%[at]]\n\tcbnz %w[n], %l[shut]\n\t"
#define EXPLORE_COUNT \
    "add %[at], %[at], 64\n\tldr %[word], [%[at], %[bin]]\n\tand %[n], %[word], 255\n\t"
#define EXPLORE_POP \
    "cbz %[n], %l[refused]\n\tadd %[data], %[at], %[slots]\n\tadd %[data], %[data], %[n], lsl 3\n\t" \
    "ldr %[data], [%[data], 568]\n\tadd %[word], %[word], 255\n\tstr %[word], [%[at], %[bin]]\n2:\n\t"
#define EXPLORE_PUSH \
    "add %[to], %[at], %[bin]\n\tldr %w[to], [%[to], 8]\n\tcmp %w[to], %w[n]\n\tb.eq %l[refused]\n\t" \
    "add %[to], %[at], %[slots]\n\tadd %[to], %[to], %[n], lsl 3\n\tstr %[data], [%[to], 576]\n\t" \
    "add %[word], %[word], 1\n\tstr %[word], [%[at], %[bin]]\n2:\n\t"
#define EXPLORE_ABORT \
    ".pushsection .text.unlikely, \"ax?\"\n\t.inst 0xd428bc00\n4:\tb %l[stopped]\n\t.popsection"
#define EXPLORE_AREA "r"(this_area())
#else
#error "restartable sequences: x86-64 and aarch64 only"
#endif

#define EXPLORE_INPUTS \
    [area] EXPLORE_AREA, [base] "r"(p.base), [bin] "r"(p.bin), [slots] "r"(p.slots)

// One attempt; `stopped` counts the times that the kernel sent it to the abort handler.
template <owner O>
[[gnu::always_inline]] inline ended pop(sequence_place p, std::byte*& data, std::uint64_t& stops) noexcept {
    std::uint64_t at; // NOLINT(cppcoreguidelines-init-variables): the assembler's
    std::uint64_t word;
    std::uint64_t n;
again:
    if constexpr (O == owner::thread)
        asm goto volatile(EXPLORE_DESCRIPTOR EXPLORE_BEGIN EXPLORE_OWN EXPLORE_OPEN EXPLORE_COUNT EXPLORE_POP EXPLORE_ABORT
                          : [at] "=&r"(at), [word] "=&r"(word), [n] "=&r"(n), [data] "=&r"(data)
                          : EXPLORE_INPUTS : "memory", "cc" : shut, refused, stopped);
    else
        asm goto volatile(EXPLORE_DESCRIPTOR EXPLORE_BEGIN EXPLORE_OF_CPU EXPLORE_OPEN EXPLORE_COUNT EXPLORE_POP EXPLORE_ABORT
                          : [at] "=&r"(at), [word] "=&r"(word), [n] "=&r"(n), [data] "=&r"(data)
                          : EXPLORE_INPUTS, [count] "r"(p.count) : "memory", "cc" : shut, refused, stopped);
    return ended::done;
shut:
    return ended::closed;
refused:
    return ended::refused;
stopped:
    ++stops;
    goto again;
}

template <owner O>
[[gnu::always_inline]] inline ended push(sequence_place p, std::byte* data, std::uint64_t& stops) noexcept {
    std::uint64_t at; // NOLINT(cppcoreguidelines-init-variables): the assembler's
    std::uint64_t word;
    std::uint64_t n;
    std::uint64_t to;
again:
    if constexpr (O == owner::thread)
        asm goto volatile(EXPLORE_DESCRIPTOR EXPLORE_BEGIN EXPLORE_OWN EXPLORE_OPEN EXPLORE_COUNT EXPLORE_PUSH EXPLORE_ABORT
                          : [at] "=&r"(at), [word] "=&r"(word), [n] "=&r"(n), [to] "=&r"(to)
                          : EXPLORE_INPUTS, [data] "r"(data) : "memory", "cc" : shut, refused, stopped);
    else
        asm goto volatile(EXPLORE_DESCRIPTOR EXPLORE_BEGIN EXPLORE_OF_CPU EXPLORE_OPEN EXPLORE_COUNT EXPLORE_PUSH EXPLORE_ABORT
                          : [at] "=&r"(at), [word] "=&r"(word), [n] "=&r"(n), [to] "=&r"(to)
                          : EXPLORE_INPUTS, [count] "r"(p.count), [data] "r"(data) : "memory", "cc" : shut, refused, stopped);
    return ended::done;
shut:
    return ended::closed;
refused:
    return ended::refused;
stopped:
    ++stops;
    goto again;
}
// clang-format on

} // namespace explore
