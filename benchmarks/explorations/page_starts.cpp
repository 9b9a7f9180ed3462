// Asks: every block starts on a 4096-byte boundary, so the first lines of all blocks meet in the same sets of the
// caches. What does it cost to go round through the starts of N blocks, and what does it cost when block i is used from
// byte 64 x i on instead (256 x i, where the first 256 bytes are read)?
//
//     cmake --build build/bench --target explore_page_starts && build/bench/benchmarks/explorations/explore_page_starts
//
// A visit loads the place of the next one from the block, so that each waits for the one before: its time is latency.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <sys/mman.h>

#include "../measure.hpp"
#include "turns.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t page = 4096;
constexpr std::size_t line = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t most_blocks = 128;

// Memory for blocks of one size, side by side as in chunks; on huge pages or certainly not.
class blocks {
public:
    blocks(std::size_t bytes, bool huge) : bytes_(bytes) {
        const std::size_t all = most_blocks * (bytes + page) + 2 * huge_page;
        void* const p =
            ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        ::madvise(p, all, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        space_ = static_cast<std::byte*>(p);
        first_ = space_ + (huge_page - reinterpret_cast<std::uintptr_t>(p) % huge_page);
        all_ = all;
    }
    blocks(const blocks&) = delete;
    blocks& operator=(const blocks&) = delete;
    ~blocks() { ::munmap(space_, all_); }
    [[nodiscard]] std::byte* operator[](std::size_t i) const { return first_ + i * bytes_; }

private:
    std::size_t bytes_;
    std::byte* space_;
    std::byte* first_;
    std::size_t all_;
};

// A round through `count` blocks, in an order that no prefetcher knows.
std::byte* link_round(const blocks& all, std::size_t count, std::size_t step) {
    std::vector<std::byte*> starts;
    for (std::size_t i = 0; i < count; ++i) starts.push_back(all[i] + i * step % page);
    for (std::size_t i = 0; i < count; ++i) // 37 is prime to all counts: each once
        std::memcpy(starts[i * 37 % count], &starts[(i + 1) * 37 % count], sizeof(std::byte*));
    return starts[0];
}

template <std::size_t Bytes>
double visit_ns(std::byte* start) {
    const auto visits = [&start](std::uint64_t n) {
        for (std::uint64_t i = 0; i < n; ++i) {
            for (std::size_t at = line; at < Bytes; at += line)
                bench::keep(static_cast<volatile std::byte*>(start)[at]);
            std::memcpy(&start, start, sizeof start);
        }
        bench::keep(start);
    };
    static_cast<void>(bench::run_for(2ms, visits));
    return bench::run_for(8ms, visits).ns_per_operation();
}

template <std::size_t Bytes>
void one_kind(std::size_t block_bytes, bool huge) {
    const blocks all(block_bytes, huge);
    for (const std::size_t count : {8U, 16U, 32U, 64U, 128U}) {
        explore::turns t("first " + std::to_string(Bytes) + " bytes of " + std::to_string(count) + " blocks of " +
                         std::to_string(block_bytes >> 10) + " KiB" + (huge ? ", huge pages" : ""));
        t.add("page aligned", [&, count] { return visit_ns<Bytes>(link_round(all, count, 0)); });
        t.add("coloured", [&, count] { return visit_ns<Bytes>(link_round(all, count, Bytes)); });
        t.run(9);
    }
}

} // namespace

int main() {
    for (const bool huge : {false, true})
        for (const std::size_t kib : {4U, 32U, 256U, 4096U}) {
            one_kind<64>(kib << 10, huge);
            one_kind<256>(kib << 10, huge);
        }
}
