// What stands behind the caches here: address space that is handed out once and a stack of blocks a class under one
// lock. The same for every kind of cache, and no measure of the library's shared store; what counts is how often a
// cache goes there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include <sys/mman.h>

#include <synk/detail/size_class.hpp>

namespace explore {

class backing {
public:
    std::byte* get(unsigned cls) {
        visits_.fetch_add(1, std::memory_order_relaxed); // relaxed: a sum, read when all is over
        const std::lock_guard guard(lock_);
        auto& idle = idle_[cls];
        if (idle.empty()) return fresh(cls);
        std::byte* const data = idle.back();
        idle.pop_back();
        return data;
    }
    void put(unsigned cls, std::byte* data) {
        visits_.fetch_add(1, std::memory_order_relaxed); // relaxed: as above
        const std::lock_guard guard(lock_);
        idle_[cls].push_back(data);
    }
    // Between two measurements, with no thread at work and nothing in any cache. `budget`: bytes of idle blocks that
    // all caches together may have room for.
    void start_again(std::size_t budget) {
        for (auto& idle : idle_) idle.clear();
        visits_ = 0;
        used_ = 0;
        budget_ = budget;
        ::madvise(space_, space_bytes, MADV_DONTNEED);
    }
    // Room for one more block in a cache, if the budget allows it.
    [[nodiscard]] bool take_room(std::size_t bytes) {
        std::size_t left = budget_.load(std::memory_order_relaxed); // relaxed, here and below: a number, no data
        while (left >= bytes)
            if (budget_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed)) return true;
        return false;
    }
    [[nodiscard]] std::uint64_t visits() const { return visits_; }
    // Bytes of all blocks that were ever needed, by their capacity.
    [[nodiscard]] std::size_t used() const { return used_; }

private:
    static constexpr std::size_t space_bytes = std::size_t{16} << 30;

    static std::byte* map() {
        void* const p =
            ::mmap(nullptr, space_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        return static_cast<std::byte*>(p);
    }
    std::byte* fresh(unsigned cls) {
        if (used_ + synk::detail::class_bytes(cls) > space_bytes) throw std::bad_alloc();
        std::byte* const data = space_ + used_;
        used_ += synk::detail::class_bytes(cls);
        return data;
    }

    std::mutex lock_;
    std::vector<std::byte*> idle_[synk::detail::chunk_class_count];
    std::byte* const space_ = map();
    std::size_t used_ = 0;
    std::atomic<std::uint64_t> visits_{0};
    std::atomic<std::size_t> budget_{0};
};

inline backing shared;

} // namespace explore
