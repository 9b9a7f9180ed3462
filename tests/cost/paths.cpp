// One path of a get and a put, many times, with little or with much in the pool: callgrind counts the instructions of
// measured().

#include <algorithm>
#include <barrier>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <valgrind/callgrind.h>

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

void bare(std::size_t n) {
    void* const p = synk::get_sized_pool().allocate(n);
    asm volatile("" : : "r"(p) : "memory");
    synk::get_sized_pool().deallocate(p, n);
}
void bare_32k() { bare(32 * kib); }
void bare_8m() { bare(8 * mib); }

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
    if (budget.take(class_bytes(cls))) shared_store::put_pages(&piece, 1);
}

// The next of a list of sizes, as many of each doubling; what 64 gets have brought is put at once. From the first get
// on: new chunks, cuts, longer blocks cut up, pieces that come together.
std::vector<synk::bytes> held;
void mixed() {
    constexpr unsigned burst = 64;
    static unsigned calls = 0;
    if (calls % burst == 0) held.clear();
    const unsigned spread = calls++ * 2654435761U; // Knuth's multiplicative hash
    held.push_back(synk::get_sized_pool().get_sized((4 * kib << (spread >> 24) % 11) - (spread >> 12) % 1024));
}

// A get that nothing idle serves, and later its put, when as much lies idle as may: something goes back for it.
constexpr std::size_t held_size = 64 * kib;
void hold(unsigned long n) {
    while (held.size() < n) held.push_back(synk::get_sized_pool().get_sized(held_size));
}
void new_memory() { held.push_back(synk::get_sized_pool().get_sized(4 * mib)); }
void over_the_limit() {
    at_least_one(held.empty() ? 0 : 1);
    held.pop_back();
}

// All that is idle lies in chunks.
void empty_caches() {
    thread_caches::behind_own_gate(thread_caches::empty);
    shared_store::empty_channels();
}

void set_limit(std::size_t idle_limit) {
    synk::options o;
    o.idle_limit = idle_limit;
    o.keeper = false;
    o.weak_after = o.gone_after = std::chrono::hours(24); // no visit from the slow paths
    synk::configure(o);
}

// Threads that all are alive at a time, use the pool and end.
void let_come_and_go(unsigned long threads) {
    std::barrier all(static_cast<std::ptrdiff_t>(threads));
    std::vector<std::jthread> running;
    for (unsigned long i = 0; i < threads; ++i)
        running.emplace_back([&all] {
            sized_4k();
            all.arrive_and_wait();
        });
}

// What else is in the pool: blocks that nobody touches, of 1 MiB, or whole chunks; or what ended threads left.
enum class state { lent, idle, pieces, ended };
std::vector<synk::bytes> filling;
void fill(unsigned long much, state how) {
    if (how == state::ended) return let_come_and_go(much);
    const std::size_t bytes = much * mib;
    const std::size_t size = how == state::idle ? 4 * mib : mib;
    while (filling.size() * size < bytes) filling.push_back(synk::get_sized_pool().get_sized(size));
    if (how == state::idle) filling.clear();
    if (how == state::pieces)
        for (std::size_t i = 0; i < filling.size(); i += 2) filling[i].reset();
}

struct path {
    std::string_view name;
    void (*once)();
    // Counted when it has been gone often, from its first time on, or when as much lies idle as may.
    enum { warm, cold, full } when = warm;
    bool holds = false; // some memory from before the pool was filled
};
constexpr path paths[] = {{"sized_4k", sized_4k},
                          {"sized_1m", sized_1m},
                          {"sized_8m", sized_8m},
                          {"unsized", unsized},
                          {"bare_32k", bare_32k},
                          {"bare_8m", bare_8m},
                          {"channel", channel},
                          {"split", split},
                          {"mixed", mixed, path::cold},
                          {"short", mixed, path::full},
                          {"new", new_memory, path::cold},
                          {"over", over_the_limit, path::full, true}};

// Null: there is none of this name.
const path* find_path(std::string_view name) {
    const auto* const p =
        std::find_if(std::begin(paths), std::end(paths), [=](const path& x) { return x.name == name; });
    return p != std::end(paths) ? p : nullptr;
}
std::optional<state> find_state(std::string_view name) {
    if (name == "lent") return state::lent;
    if (name == "idle") return state::idle;
    if (name == "pieces") return state::pieces;
    if (name == "ended") return state::ended;
    return std::nullopt;
}
unsigned long number(const char* text) {
    unsigned long n = 0;
    std::from_chars(text, text + std::strlen(text), n);
    return n;
}

int say_usage() {
    std::fputs("usage: cost_paths PATH PAIRS [lent|idle|pieces MIB|ended THREADS], where PATH is one of", stderr);
    for (const path& p : paths) std::fprintf(stderr, " %s", p.name.data());
    std::fputs("\n", stderr);
    return 2;
}

} // namespace

// What callgrind is told to count.
extern "C" [[gnu::noinline, gnu::visibility("default")]] void measured(void (*once)(), unsigned long pairs) {
    for (unsigned long i = 0; i < pairs; ++i) once();
}

int main(int argc, char** argv) {
    if (argc != 3 && argc != 5) return say_usage();
    const path* const p = find_path(argv[1]);
    const auto how = argc == 5 ? find_state(argv[3]) : state::lent;
    if (p == nullptr || !how) return say_usage();
    const unsigned long pairs = number(argv[2]);
    set_limit(argc == 5 ? std::size_t{64} << 30 : synk::options{}.idle_limit);
    if (p->holds) hold(pairs);
    try {
        if (argc == 5) fill(number(argv[4]), *how);
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "the system does not give %s MiB, though nobody touches them\n", argv[4]);
        return 77;
    }
    if (p->when == path::warm) static_cast<void>(synk::get_sized_pool().get_sized(4 * mib)); // one chunk is resident
    if (p->when != path::cold) empty_caches();
    if (p->when == path::full) set_limit(std::max(synk::stats().idle, 4 * mib));
    if (p->when == path::warm)
        for (int i = 0; i < 64; ++i) p->once();
    CALLGRIND_START_INSTRUMENTATION;
    measured(p->once, pairs);
    CALLGRIND_STOP_INSTRUMENTATION;
}
