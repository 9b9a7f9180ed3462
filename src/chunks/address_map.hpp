// From any pointer to what the pool knows about the 4 MiB of addresses around it: a two-level table over the
// 48 bits of a user-space address. A place that was never the pool's has no entry, so foreign pointers are
// told apart without touching them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/size_class.hpp>

#include "pages/record_store.hpp"

namespace synk::inline v1::detail {

struct chunk;
struct large_block;
struct guarded_block;

// What owns a place: a chunk, a large block, a guarded block, or nobody.
class place_owner {
public:
    constexpr place_owner() noexcept = default;
    explicit place_owner(chunk* c) noexcept : value_(reinterpret_cast<std::uintptr_t>(c)) {}
    explicit place_owner(large_block* l) noexcept : value_(reinterpret_cast<std::uintptr_t>(l) | large_tag) {}
    explicit place_owner(guarded_block* g) noexcept : value_(reinterpret_cast<std::uintptr_t>(g) | guarded_tag) {}

    [[nodiscard]] chunk* as_chunk() const noexcept {
        return (value_ & tag_mask) == 0 ? reinterpret_cast<chunk*>(value_) : nullptr;
    }
    [[nodiscard]] large_block* as_large() const noexcept {
        return (value_ & tag_mask) == large_tag ? reinterpret_cast<large_block*>(value_ & ~tag_mask) : nullptr;
    }
    [[nodiscard]] guarded_block* as_guarded() const noexcept {
        return (value_ & tag_mask) == guarded_tag ? reinterpret_cast<guarded_block*>(value_ & ~tag_mask) : nullptr;
    }

private:
    friend class address_map;
    static constexpr std::uintptr_t large_tag = 1; // records stand on 64-byte boundaries
    static constexpr std::uintptr_t guarded_tag = 2;
    static constexpr std::uintptr_t tag_mask = 3;
    std::uintptr_t value_ = 0;
};

class address_map {
public:
    [[nodiscard]] place_owner find(const void* p) const noexcept {
        place_owner owner;
        const auto place = reinterpret_cast<std::uintptr_t>(p) >> chunk_shift;
        if (place >= root_size * leaf_size) [[unlikely]]
            return owner;
        const leaf* const l = root_[place / leaf_size].load(memory_order_acquire); // pairs with leaf_for
        // acquire: pairs with set(): the record that is found is seen as its maker left it.
        if (l != nullptr) [[likely]]
            owner.value_ = l->entry[place % leaf_size].load(memory_order_acquire);
        return owner;
    }

    // Enters [at, at + size), whole 4 MiB places, as the owner's. False, and nothing entered, when there is
    // no memory for the table. The caller owns these addresses.
    [[nodiscard]] bool set(std::byte* at, std::size_t size, place_owner owner) noexcept {
        const auto first = reinterpret_cast<std::uintptr_t>(at) >> chunk_shift;
        const std::size_t places = (size + chunk_size - 1) >> chunk_shift;
        if (first + places > root_size * leaf_size) return false;
        for (std::size_t i = 0; i < places; ++i) {
            leaf* const l = leaf_for((first + i) / leaf_size);
            if (l == nullptr) {
                clear(at, i << chunk_shift);
                return false;
            }
            l->entry[(first + i) % leaf_size].store(owner.value_, memory_order_release); // pairs with find
        }
        return true;
    }

    // Nobody's again. To be done before the addresses go back to the system.
    void clear(std::byte* at, std::size_t size) noexcept {
        const auto first = reinterpret_cast<std::uintptr_t>(at) >> chunk_shift;
        const std::size_t places = (size + chunk_size - 1) >> chunk_shift;
        for (std::size_t i = 0; i < places; ++i)
            // the leaf is there: set() made it. release: no later entry may seem to come before.
            root_[(first + i) / leaf_size]
                .load(memory_order_acquire)
                ->entry[(first + i) % leaf_size]
                .store(0, memory_order_release);
    }

private:
    static constexpr std::size_t leaf_size = std::size_t{1} << 13;
    static constexpr std::size_t root_size = std::size_t{1} << 13; // 13 + 13 + 22 = 48 bits
    struct leaf {
        atomic<std::uintptr_t> entry[leaf_size];
    };

    [[nodiscard]] leaf* leaf_for(std::size_t index) noexcept {
        leaf* seen = root_[index].load(memory_order_acquire); // pairs with the CAS below
        if (seen != nullptr) return seen;
        auto* const fresh = static_cast<leaf*>(take_record_memory(sizeof(leaf))); // zeroed: no entry
        if (fresh == nullptr) return nullptr;
        // release: publishes the zeros. Who loses leaves its 64 KiB untouched in the record store.
        if (root_[index].compare_exchange_strong(seen, fresh, memory_order_acq_rel, memory_order_acquire)) return fresh;
        return seen;
    }

    atomic<leaf*> root_[root_size]{};
};

// The one of the process.
extern constinit address_map places;

} // namespace synk::inline v1::detail
