// Which addresses are lent, and how many bytes: what the pool's own accounts are held against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include <synk/pool.hpp>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "model/journal.hpp"

namespace synk_model {

// A map of disjoint intervals. Any thread may use it; a block is entered after its get has returned and struck out
// before its put begins, so that what it holds is lent for certain.
class books {
public:
    void enter(const std::byte* at, std::size_t size) {
        if (reinterpret_cast<std::uintptr_t>(at) % 4096 != 0 || at == nullptr)
            broken("block %p starts on no 4096-byte boundary", static_cast<const void*>(at));
        const std::lock_guard lock(mutex_);
        const auto next = lent_.lower_bound(at);
        if (next != lent_.end() && next->first < at + size) meet(at, size, next->first, next->second);
        if (next != lent_.begin() && std::prev(next)->first + std::prev(next)->second > at)
            meet(at, size, std::prev(next)->first, std::prev(next)->second);
        lent_.emplace_hint(next, at, size);
        bytes_ += size;
    }
    void strike(const std::byte* at) {
        const std::lock_guard lock(mutex_);
        const auto found = lent_.find(at);
        if (found == lent_.end()) broken("the model has lost block %p", static_cast<const void*>(at));
        bytes_ -= found->second;
        lent_.erase(found);
    }
    [[nodiscard]] std::size_t bytes() const {
        const std::lock_guard lock(mutex_);
        return bytes_;
    }

private:
    [[noreturn]] static void meet(const std::byte* a, std::size_t n, const std::byte* b, std::size_t m) {
        broken("%zu bytes at %p were lent while %zu bytes at %p are", n, static_cast<const void*>(a), m,
               static_cast<const void*>(b));
    }

    mutable std::mutex mutex_;
    std::map<const std::byte*, std::size_t> lent_;
    std::size_t bytes_ = 0;
};

// When nothing else runs: what the pool says of itself is what we know of it, and its parts make up its sums.
inline void require_balance(std::size_t lent) {
    namespace inside = synk::detail;
    const synk::statistics s = synk::stats();
    if (s.lent != lent) broken("%zu bytes are lent, and stats() says %zu", lent, s.lent);
    if (s.mapped != s.lent + s.idle + s.gone)
        broken("mapped %zu is not lent %zu + idle %zu + gone %zu", s.mapped, s.lent, s.idle, s.gone);
    if (s.idle != s.idle_cached + s.idle_channel + s.idle_chunk + s.idle_large)
        broken("idle %zu is not the sum of its parts", s.idle);
    if (s.weak > s.idle_chunk + s.idle_large) broken("%zu bytes are weak, of %zu that can be", s.weak, s.idle);
    const std::size_t owed = inside::thread_caches::reserved_bytes() + s.idle_channel + s.idle_chunk + s.idle_large;
    if (inside::budget.reserved() != owed)
        broken("%zu bytes are reserved for %zu that lie idle or have a place kept", inside::budget.reserved(), owed);
    for (const auto& tier : s.tiers)
        if (tier.in_channel > tier.channel_room)
            broken("%zu blocks lie in a channel with room for %zu", tier.in_channel, tier.channel_room);
}

} // namespace synk_model
