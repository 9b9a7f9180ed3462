// From any pointer to what the pool knows about the 4 MiB of addresses around it, over the 48 bits of a user-space
// address. A place that was never the pool's has no entry, so foreign pointers are told apart without touching
// them.
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

// What owns a place: a chunk, a large block, a guarded block, or nobody. Records stand on 64-byte boundaries, so an
// address leaves bits free that say which; nobody has none of them.
class place_owner {
public:
    constexpr place_owner() noexcept = default;
    explicit place_owner(chunk* c) noexcept : value_(reinterpret_cast<std::uintptr_t>(c) | chunk_tag) {}
    explicit place_owner(large_block* l) noexcept : value_(reinterpret_cast<std::uintptr_t>(l) | large_tag) {}
    explicit place_owner(guarded_block* g) noexcept : value_(reinterpret_cast<std::uintptr_t>(g) | guarded_tag) {}

    [[nodiscard]] bool nobody() const noexcept { return value_ == 0; }
    [[nodiscard]] chunk* as_chunk() const noexcept { return as<chunk>(chunk_tag); }
    [[nodiscard]] large_block* as_large() const noexcept { return as<large_block>(large_tag); }
    [[nodiscard]] guarded_block* as_guarded() const noexcept { return as<guarded_block>(guarded_tag); }

private:
    friend class address_map;
    static constexpr std::uintptr_t chunk_tag = 1;
    static constexpr std::uintptr_t large_tag = 2;
    static constexpr std::uintptr_t guarded_tag = 4;

    template <class Record>
    [[nodiscard]] Record* as(std::uintptr_t tag) const noexcept {
        if ((value_ & tag) == 0) return nullptr;
        auto* const record = reinterpret_cast<Record*>(value_ - tag);
        if (record == nullptr) __builtin_unreachable(); // who asks need not look again
        return record;
    }

    std::uintptr_t value_ = 0;
};

// A root, and a leaf for each 32 GiB in which there was a place of the pool's.
class address_map {
public:
    [[nodiscard]] place_owner find(const void* p) const noexcept {
        place_owner owner;
        const std::uintptr_t place = place_of(p);
        if (place >= root_size * leaf_size) return owner;
        const leaf* const l = root_[place / leaf_size].load(memory_order_acquire); // pairs with the CAS below
        // acquire: pairs with set(): the record that is found is seen as its maker left it.
        if (l != nullptr) owner.value_ = l->at[place % leaf_size].load(memory_order_acquire);
        return owner;
    }

    // Enters [at, at + size), whole 4 MiB places, as the owner's. False, and nothing entered, when there is
    // no memory for the table. The caller owns these addresses.
    [[nodiscard]] bool set(std::byte* at, std::size_t size, place_owner owner) noexcept {
        const std::uintptr_t first = place_of(at);
        const std::size_t places = (size + chunk_size - 1) >> chunk_shift;
        if (first + places > root_size * leaf_size) return false;
        for (std::size_t i = 0; i < places; ++i) {
            entry* const e = made_entry(first + i);
            if (e == nullptr) {
                clear(at, i << chunk_shift);
                return false;
            }
            e->store(owner.value_, memory_order_release); // pairs with find
        }
        return true;
    }

    // Nobody's again. To be done before the addresses go back to the system.
    void clear(std::byte* at, std::size_t size) noexcept {
        const std::uintptr_t first = place_of(at);
        const std::size_t places = (size + chunk_size - 1) >> chunk_shift;
        // release: no later entry may seem to come before.
        for (std::size_t i = 0; i < places; ++i) made_entry(first + i)->store(0, memory_order_release);
    }

private:
    using entry = atomic<std::uintptr_t>;
    static constexpr std::size_t leaf_size = std::size_t{1} << 13;
    static constexpr std::size_t root_size = std::size_t{1} << 13; // 13 + 13 + 22 = 48 bits
    struct leaf {
        entry at[leaf_size];
    };

    [[nodiscard]] static std::uintptr_t place_of(const void* p) noexcept {
        return reinterpret_cast<std::uintptr_t>(p) >> chunk_shift;
    }

    // Null: no memory for a leaf. Of a place that has been entered it is there.
    [[nodiscard]] entry* made_entry(std::uintptr_t place) noexcept {
        atomic<leaf*>& root = root_[place / leaf_size];
        leaf* seen = root.load(memory_order_acquire); // pairs with the CAS below
        if (seen == nullptr) {
            auto* const fresh = static_cast<leaf*>(take_record_memory(sizeof(leaf))); // zeroed: no entry
            if (fresh == nullptr) return nullptr;
            // release: publishes the zeros. Who loses leaves its 64 KiB untouched in the record store.
            if (root.compare_exchange_strong(seen, fresh, memory_order_acq_rel, memory_order_acquire)) seen = fresh;
        }
        return &seen->at[place % leaf_size];
    }

    atomic<leaf*> root_[root_size]{};
};

// The one of the process.
extern constinit address_map places;

} // namespace synk::inline v1::detail
