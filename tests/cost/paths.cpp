// One path of a get and a put, many times: callgrind counts the instructions of measured().

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <synk/pool.hpp>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "shared/shared_store.hpp"

namespace {

using namespace synk::detail;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// The compiler must not see through the loop.
template <class Handle>
void use(Handle& h) {
    asm volatile("" : : "r"(h.data()) : "memory");
}

void sized(std::size_t n) {
    auto b = synk::get_sized_pool().get_sized(n);
    use(b);
}
void sized_4k() { sized(4 * kib); }
void sized_1m() { sized(mib); }
void sized_8m() { sized(8 * mib); }

void unsized() {
    auto b = synk::get_unsized_pool().get();
    use(b);
}

void bare() {
    void* const p = synk::get_sized_pool().allocate(32 * kib);
    asm volatile("" : : "r"(p) : "memory");
    synk::get_sized_pool().deallocate(p, 32 * kib);
}

// Or it would be counted what it takes to find nothing.
unsigned at_least_one(unsigned blocks) {
    if (blocks != 0) return blocks;
    std::fputs("there is no memory on this path\n", stderr);
    std::exit(1);
}

// A block that goes through its tier's channel, in batches of 16 as those of 32 KiB do.
void channel() {
    constexpr unsigned batch = 16;
    constexpr unsigned cls = class_of(32 * kib);
    static std::byte* blocks[batch];
    static unsigned in_hand = 0;
    static unsigned calls = 0;
    if (calls++ % batch != 0) return;
    while (in_hand < batch) // the first time: chunks give fewer at once
        in_hand += at_least_one(shared_store::get(cls, blocks + in_hand, batch - in_hand).count);
    if (budget.take(class_bytes(cls))) // the first block of a batch was lent, the others have their reservations
        shared_store::put_reserved(cls, blocks, batch);
    in_hand = at_least_one(shared_store::get(cls, blocks, batch).count);
}

// Pages cut from a larger free run, and whole again.
void split() {
    constexpr unsigned cls = class_of(512 * kib);
    std::byte* piece = nullptr;
    at_least_one(shared_store::get(cls, &piece, 1).count);
    if (budget.take(class_bytes(cls))) shared_store::put_pages(piece);
}

// A chunk that is free and resident.
void prepare_memory() {
    static_cast<void>(synk::get_sized_pool().get_sized(4 * mib));
    thread_caches::behind_own_gate(thread_caches::empty);
    shared_store::empty_channels();
}

struct path {
    std::string_view name;
    void (*once)();
};
constexpr path paths[] = {{"sized_4k", sized_4k}, {"sized_1m", sized_1m}, {"sized_8m", sized_8m}, {"unsized", unsized},
                          {"bare", bare},         {"channel", channel},   {"split", split}};

} // namespace

// What callgrind is told to count.
extern "C" [[gnu::noinline, gnu::visibility("default")]] void measured(void (*once)(), unsigned long pairs) {
    for (unsigned long i = 0; i < pairs; ++i) once();
}

int main(int argc, char** argv) {
    unsigned long pairs = 0;
    if (argc == 3) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), pairs);
    for (const path& p : paths) {
        if (argc != 3 || p.name != argv[1]) continue;
        synk::options o;
        o.keeper = false;
        o.weak_after = o.gone_after = std::chrono::hours(24); // no visit from the slow paths
        synk::configure(o);
        prepare_memory();
        for (int i = 0; i < 64; ++i) p.once(); // until it is warm
        measured(p.once, pairs);
        return 0;
    }
    std::fputs("usage: cost_paths PATH PAIRS, where PATH is one of", stderr);
    for (const path& p : paths) std::fprintf(stderr, " %s", p.name.data());
    std::fputs("\n", stderr);
    return 2;
}
