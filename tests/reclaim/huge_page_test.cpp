// A chunk whose memory went in parts comes back by huge pages.
// ctest-variants: plain

#include <cstdint>
#include <vector>

#include <sys/mman.h>

#include <gtest/gtest.h>

#include "support/fresh_pool.hpp"
#include "support/process_memory.hpp"

namespace {

using namespace synk_test;

constexpr std::size_t chunk = inside::chunk_size;
constexpr long few = 16; // two huge pages, and what else happens to be new

// Page faults of writing to every page.
long faults_of_touching(std::byte* at, std::size_t size) {
    const long before = page_faults();
    for (std::size_t i = 0; i < size; i += page) at[i] = std::byte{1};
    return page_faults() - before;
}

// Whether this system gives huge pages to who asks, also where small ones went one after another and then one advice
// covered them all: tried on a mapping of our own.
bool system_forgets_small_pages() {
    void* const mapped = ::mmap(nullptr, 2 * chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return false;
    const std::size_t past = reinterpret_cast<std::uintptr_t>(mapped) % chunk;
    std::byte* const at = static_cast<std::byte*>(mapped) + (chunk - past);
    ::madvise(at, chunk, MADV_NOHUGEPAGE);
    faults_of_touching(at, chunk);
    for (std::size_t i = 0; i < chunk; i += 64 * kib) ::madvise(at + i, 64 * kib, MADV_DONTNEED);
    ::madvise(at, chunk, MADV_HUGEPAGE);
    ::madvise(at, chunk, MADV_DONTNEED);
    const bool forgets = faults_of_touching(at, chunk) <= few;
    ::munmap(mapped, 2 * chunk);
    return forgets;
}

class HugePages : public fresh_pool {};

TEST_F(HugePages, ComeBackWhenAChunkIsCutAnew) {
    if (!system_forgets_small_pages())
        GTEST_SKIP() << "needs transparent huge pages and Linux 6.14, which takes back empty tables of small pages";
    synk::options o = quiet();
    o.huge = synk::huge_pages::on;
    synk::configure(o);
    auto& pool = synk::get_sized_pool();
    std::vector<synk::bytes> pieces;
    while (pieces.size() < 64) pieces.push_back(pool.get_sized(64 * kib));
    std::byte* const first = pieces.front().data();
    EXPECT_LE(faults_of_touching(first, 64 * kib), few);
    for (synk::bytes& piece : pieces) {
        piece.reset();
        synk::trim(); // it goes alone, the first of them with the huge pages
    }
    ASSERT_EQ(synk::stats().idle, 0U);
    synk::bytes whole = pool.get_sized(chunk);
    ASSERT_EQ(whole.data(), first);
    EXPECT_LE(faults_of_touching(whole.data(), chunk), few);
}

} // namespace
