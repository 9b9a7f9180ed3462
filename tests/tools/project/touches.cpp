// Touches of pooled memory that a memory checker is to report, each in a function of its own whose name is to stand
// first in the report. No gtest and no iostream: MemorySanitizer wants every line of a program instrumented.
//   touches <name of the touch>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <pthread.h>
#include <sys/mman.h>

#include <synk/pool.hpp>

namespace {

constexpr std::size_t block_size = 8192;

synk::bytes got() { return synk::get_sized_pool().get_sized(block_size); }

std::byte* put_block() {
    synk::bytes b = got();
    std::memset(b.data(), 1, b.size());
    return b.data();
}

// The end of a lent block, where an idle one begins.
std::byte* idle_neighbour() {
    static synk::bytes held[100];
    for (synk::bytes& b : held) {
        b = got();
        std::memset(b.data(), 1, b.size());
    }
    for (const synk::bytes& b : held)
        for (synk::bytes& other : held)
            if (other.data() == b.data() + block_size) {
                std::byte* const idle = other.data();
                other.reset();
                return idle;
            }
    std::abort();
}

// The same where that one was never lent.
std::byte* fresh_neighbour() {
    static const synk::bytes held = got();
    return const_cast<std::byte*>(held.data()) + held.capacity();
}

[[gnu::noinline]] void write_byte(std::byte* p) {
    auto* const at = reinterpret_cast<volatile char*>(p);
    *at = 1;
}
// A checker may wait for a decision that hangs on what was read.
[[gnu::noinline]] void decide_by_byte(const std::byte* p) {
    if (*reinterpret_cast<const volatile char*>(p) == 7) std::puts("seven");
}

void write_after_put() { write_byte(put_block()); }
void read_after_put() { decide_by_byte(put_block()); }
void write_into_idle_neighbour() { write_byte(idle_neighbour()); }
void read_of_idle_neighbour() { decide_by_byte(idle_neighbour()); }
void write_into_fresh_neighbour() { write_byte(fresh_neighbour()); }
void read_of_fresh_neighbour() { decide_by_byte(fresh_neighbour()); }
// At the same place, where there is room behind it, or at another one.
void read_of_grown(bool moves) {
    synk::bytes b = synk::get_sized_pool().get_sized(std::size_t{6} << 20);
    const std::size_t before = b.capacity();
    std::memset(b.data(), 1, before);
    if (moves) ::mmap(b.data() + before, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    b.resize(2 * before);
    decide_by_byte(b.data() + before - 1);
    decide_by_byte(b.data() + before);
}
void read_of_grown_block() { read_of_grown(false); }
void read_of_moved_block() { read_of_grown(true); }
void read_of_fresh_block() {
    const synk::bytes b = got();
    decide_by_byte(b.data());
}
void read_of_reused_block() {
    put_block();
    const synk::bytes b = got();
    decide_by_byte(b.data());
}

void* write_in_thread(void* p) {
    write_byte(static_cast<std::byte*>(p));
    return nullptr;
}
void write_after_put_by_thread() {
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, write_in_thread, put_block()) != 0) std::abort();
    ::pthread_join(thread, nullptr);
}

// Nothing here is to be reported.
void good_use() {
    for (const std::size_t n : {std::size_t{1}, std::size_t{5000}, std::size_t{100'000}, std::size_t{9} << 20}) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        std::memset(b.data(), 7, b.capacity());
        b.resize(b.capacity() * 3);
        std::memset(b.data(), 7, b.capacity());
        decide_by_byte(b.data() + b.capacity() - 1);
        b = synk::bytes::adopt(b.release());
        b.reset();
        b = synk::get_sized_pool().get_sized(n);
        write_byte(b.data());
        decide_by_byte(b.data());
    }
    synk::trim();
    idle_neighbour();
}

struct touch {
    const char* name;
    void (*run)();
};
constexpr touch touches[] = {{"write_after_put", write_after_put},
                             {"read_after_put", read_after_put},
                             {"write_after_put_by_thread", write_after_put_by_thread},
                             {"write_into_idle_neighbour", write_into_idle_neighbour},
                             {"read_of_idle_neighbour", read_of_idle_neighbour},
                             {"write_into_fresh_neighbour", write_into_fresh_neighbour},
                             {"read_of_fresh_neighbour", read_of_fresh_neighbour},
                             {"read_of_grown_block", read_of_grown_block},
                             {"read_of_moved_block", read_of_moved_block},
                             {"read_of_fresh_block", read_of_fresh_block},
                             {"read_of_reused_block", read_of_reused_block},
                             {"good_use", good_use}};

} // namespace

int main(int argc, char** argv) {
    for (const touch& t : touches)
        if (argc == 2 && std::strcmp(argv[1], t.name) == 0) return t.run(), 0;
    std::fprintf(stderr, "there is no such touch\n");
    return 2;
}
