#include "rows.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

#include <dlfcn.h>

namespace bench {

std::uint64_t pool_misses() {
    std::uint64_t misses = 0;
    for (const auto& tier : synk::stats().tiers) misses += tier.misses;
    return misses;
}

// Never destroyed: threads may outlive statics.
std::pmr::synchronized_pool_resource* const pmr_pool::pool_ =
    new std::pmr::synchronized_pool_resource({0, std::size_t{4} << 20});

void* (*own::get_)(std::size_t) = nullptr;
void (*own::put_)(void*) = nullptr;

void own::find(const char* get_name, const char* put_name) {
    get_ = reinterpret_cast<void* (*)(std::size_t)>(::dlsym(RTLD_DEFAULT, get_name));
    put_ = reinterpret_cast<void (*)(void*)>(::dlsym(RTLD_DEFAULT, put_name));
    if (get_ == nullptr || put_ == nullptr) throw std::runtime_error(std::string("not loaded: ") + get_name);
}

nothing::block nothing::blocks[nothing::count];
constinit thread_local std::size_t nothing::next = 0;

constinit thread_local floor::stack floor::stacks[floor::tier_count] = {};

namespace {
std::atomic<std::uint64_t> floor_calls{0}; // relaxed everywhere: a count, it publishes nothing
}

std::uint64_t floor::calls() { return floor_calls.load(std::memory_order_relaxed); }

// On page boundaries, like the pool's blocks.
std::byte* floor::allocate(unsigned tier) {
    static thread_local cleaner at_thread_end;
    static_cast<void>(at_thread_end);
    floor_calls.fetch_add(1, std::memory_order_relaxed);
    constexpr std::size_t page = std::size_t{1} << page_shift;
    void* const p = std::aligned_alloc(page, page << tier);
    if (p == nullptr) throw std::bad_alloc();
    return static_cast<std::byte*>(p);
}

floor::cleaner::~cleaner() {
    for (stack& s : stacks)
        while (s.count != 0) std::free(s.blocks[--s.count]);
}

} // namespace bench
