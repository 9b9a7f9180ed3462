// Large blocks: above 4 MiB, each a mapping of its own, on a 4 MiB boundary so that its address finds its
// record.
//
// Idle ones lie on the shelf, a bounded array of slots. A request takes one from there only if it is at least
// half as long as the block, so a 5 MiB request never holds a 64 MiB block. Thread safety: every function
// from any thread, lock-free. As in chunk_store the caller keeps the budget.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/thread_cache.hpp>

#include "chunks/ageing.hpp"

namespace synk::inline v1::detail {

// Record of a large block; its owner writes it, anybody who checks a pointer reads it.
struct alignas(64) large_block {
    explicit large_block(unsigned number) noexcept : id(number) {}
    const unsigned id;
    atomic<std::uint32_t> record{0};     // idle_record(), and what put_bias adds where it is lent as a bare pointer
    atomic<bool> held{false};            // in quarantine
    atomic<bool> idle{false};            // on the shelf, or on its way there or back to the system
    atomic<std::byte*> data{nullptr};    // null while the record is not in use
    atomic<std::uint64_t> calm_since{0}; // ns: when the keeper first saw it on the shelf, 0: not yet
    atomic<bool> weak{false};            // the system may take its memory
    atomic<std::size_t> capacity{0};     // bytes
    atomic<std::uint64_t> seal{0};       // of data and capacity: a stray write to them is noticed

    // Of the place: who would take a mark of what has moved, or of the block before, finds another one.
    [[nodiscard]] static std::uint32_t idle_record(const void* at) noexcept {
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(at) >> chunk_shift << 16);
    }

    // The record's owner says what it holds; null and 0 when it is not in use. relaxed: handed over with the block.
    void describe(std::byte* at, std::size_t size) noexcept {
        record.store(idle_record(at), memory_order_relaxed);
        data.store(at, memory_order_relaxed);
        capacity.store(size, memory_order_relaxed);
        idle.store(false, memory_order_relaxed);
        seal.store(seal_of(at, size), memory_order_relaxed);
    }
    [[nodiscard]] bool sealed() const noexcept {
        // relaxed: as in describe()
        return seal.load(memory_order_relaxed) ==
               seal_of(data.load(memory_order_relaxed), capacity.load(memory_order_relaxed));
    }

private:
    [[nodiscard]] static std::uint64_t seal_of(const std::byte* at, std::size_t size) noexcept {
        // Page numbers; 34 bits keep any size below 2^46 apart. Fibonacci hashing, which leaves 0 as it is.
        const std::uint64_t page = reinterpret_cast<std::uintptr_t>(at) >> page_shift;
        return (page ^ (std::uint64_t{size} >> page_shift << 30)) * 0x9E3779B97F4A7C15U;
    }
};

class large_store {
public:
    // The bytes that a block for n bytes gets.
    [[nodiscard]] static std::size_t capacity_for(std::size_t n) noexcept;

    // An idle block of n to 2n bytes from the shelf, or none.
    [[nodiscard]] static block take_idle(std::size_t n) noexcept;
    // A block from the system, or none.
    [[nodiscard]] static block map_new(std::size_t n) noexcept;

    // Shelves an idle block. False when the shelf is full: then it is still the caller's.
    [[nodiscard]] static bool shelve(block b) noexcept;
    // Gives a block back to the system.
    static void unmap_block(block b) noexcept;
    // Gives shelved blocks back to the system until `bytes` are given back or the shelf is empty. Returns the
    // bytes.
    static std::size_t purge(std::size_t bytes) noexcept;

    // One step down the ladder for blocks that stayed on the shelf: weak, then unmapped. Returns the bytes that went.
    static std::size_t age(const ageing& how) noexcept;
    // Unmaps weak blocks. Returns the bytes.
    static std::size_t drop_weak() noexcept;

    // In the child of a fork: counts anew what is on the shelf.
    static void recount() noexcept;

    // The block with capacity for n bytes and the same contents, moved by page tables; none when the system
    // refuses.
    [[nodiscard]] static block grow(block b, std::size_t n) noexcept;
};

} // namespace synk::inline v1::detail
