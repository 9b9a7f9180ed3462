// A block in our hands, by a handle or by a bare pointer, with a pattern of its own in every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "model/contents.hpp"
#include "model/world.hpp"

namespace synk_model {

class loan {
public:
    loan(world& w, synk::bytes b) : world_(&w), handle_(std::move(b)) { begin(); }
    loan(world& w, void* bare) : world_(&w), bare_(static_cast<std::byte*>(bare)) { begin(); }
    // Takes over contents that are those of `key` already.
    loan(world& w, synk::bytes b, std::uint64_t key) : world_(&w), handle_(std::move(b)), key_(key) {
        if (!reads_from(handle_, key_, 0)) broken("what a buffer releases is not what it held");
        begin();
    }

    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] bool has_handle() const { return bare_ == nullptr; }
    [[nodiscard]] std::byte* data() { return bare_ != nullptr ? bare_ : handle_.data(); }

    void require_intact() {
        const std::size_t at = synk_test::first_broken({data(), capacity_}, key_);
        if (at != synk_test::intact)
            broken("byte %zu of the %zu at %p was written by somebody else", at, capacity_,
                   static_cast<const void*>(data()));
        if (has_handle() ? handle_.capacity() != capacity_ : synk_capacity(bare_) != capacity_)
            broken("the capacity of %p has changed", static_cast<const void*>(data()));
    }

    void release() {
        if (!has_handle()) return;
        bare_ = handle_.release();
        if (handle_) broken("a handle that was released owns a block");
    }
    void adopt() {
        if (has_handle()) return;
        handle_ = synk::bytes::adopt(std::exchange(bare_, nullptr));
        if (handle_.size() != capacity_) broken("what is adopted has size %zu of %zu", handle_.size(), capacity_);
    }

    // By a handle. Each leaves it as it was when there is no memory.
    void resize(std::size_t n) {
        adopt();
        const std::size_t kept = n <= capacity_ ? capacity_ : handle_.size();
        change(
            kept, [&] { handle_.resize(n); }, [&](std::size_t) { return handle_.size() == n; });
    }
    void reserve(std::size_t n) {
        adopt();
        const std::size_t kept = n <= capacity_ ? capacity_ : handle_.size();
        change(
            kept, [&] { handle_.reserve(n); },
            [&](std::size_t size) { return handle_.size() == size && capacity_ >= n; });
    }
    // A part of this very block.
    void append_own(std::size_t from, std::size_t n) {
        adopt();
        from = handle_.empty() ? 0 : from % handle_.size();
        n = std::min(n, handle_.size() - from);
        const std::uint64_t key = key_;
        change(
            handle_.size(), [&] { handle_.append(std::span<const std::byte>(handle_).subspan(from, n)); },
            [&](std::size_t size) {
                return handle_.size() == size + n && reads_from(std::span(handle_).subspan(size), key, from);
            });
    }

    // By a bare pointer. Null and errno leave it as it was.
    void resize_in_c(std::size_t n) {
        release();
        require_intact();
        world_->lent.strike(bare_);
        void* const other = attempt_get([&] { return synk_resize(bare_, n); });
        if (other != nullptr) bare_ = static_cast<std::byte*>(other);
        const std::size_t kept = other == nullptr ? capacity_ : std::min(n, capacity_);
        if (!reads_from({bare_, kept}, key_, 0)) broken("synk_resize has lost contents");
        if (synk_capacity(bare_) < (other == nullptr ? capacity_ : n)) broken("synk_resize gave too little");
        begin();
    }

    // Through other handles, and back.
    void move_about() {
        if (!has_handle()) return;
        const std::size_t size = handle_.size();
        synk::bytes first(std::move(handle_));
        synk::bytes second;
        second = std::move(first);
        handle_.swap(second);
        if (first || second || handle_.size() != size) broken("a move has left something behind");
        require_intact();
    }

    // The block goes back in one of the ways that there are for it.
    void put(std::size_t way) {
        require_intact();
        world_->lent.strike(data());
        if (!has_handle() && way % 4 == 0) return synk::get_sized_pool().deallocate(bare_, capacity_ - way % 4096);
        if (!has_handle() && way % 4 == 1) return synk_put(bare_);
        if (!has_handle()) handle_ = synk::bytes::adopt(bare_);
        if (way % 4 == 0) return synk::get_sized_pool().put(std::move(handle_));
        if (way % 4 == 1) return synk::get_unsized_pool().put(std::move(handle_));
        handle_.reset();
    }

    // Gives the handle out, for a buffer, with the key of its contents.
    [[nodiscard]] std::pair<synk::bytes, std::uint64_t> into_handle() {
        adopt();
        require_intact();
        world_->lent.strike(data());
        return {std::move(handle_), key_};
    }

private:
    // The block is as it came: entered, and patterned.
    void begin() {
        capacity_ = has_handle() ? handle_.capacity() : synk_capacity(bare_);
        world_->lent.enter(data(), capacity_);
        key_ = next_key();
        synk_test::fill({data(), capacity_}, key_);
    }

    // Runs a growth; `is_right(size before)` says whether it did what it should.
    template <class Grow, class IsRight>
    void change(std::size_t kept, Grow grow, IsRight is_right) {
        require_intact();
        const std::size_t size = handle_.size();
        const std::byte* const before = handle_.data();
        world_->lent.strike(before);
        const bool done = attempt(grow);
        if (!done) kept = capacity_;
        if (!done && (handle_.data() != before || handle_.size() != size || handle_.capacity() != capacity_))
            broken("a growth that found no memory has changed the handle");
        if (!reads_from({handle_.data(), kept}, key_, 0)) broken("a growth has lost contents");
        capacity_ = handle_.capacity();
        if (done && !is_right(size)) broken("a growth has gone wrong: size %zu, was %zu", handle_.size(), size);
        begin();
    }

    world* world_;
    synk::bytes handle_;
    std::byte* bare_ = nullptr; // the block is here when it is not in handle_
    std::size_t capacity_ = 0;
    std::uint64_t key_ = 0;
};

} // namespace synk_model
