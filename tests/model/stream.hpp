// A synk::buffer, and what it should hold: the bytes [read, written) of an endless sequence.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include "model/contents.hpp"
#include "model/world.hpp"

namespace synk_model {

class stream {
public:
    stream(world& w, synk::buffer b) : world_(&w), b_(std::move(b)), key_(next_key()) { enter(); }
    // Of a block with contents of this key.
    stream(world& w, synk::bytes storage, std::uint64_t key) : world_(&w), written_(storage.size()), key_(key) {
        b_ = synk::buffer(std::move(storage));
        enter();
    }

    [[nodiscard]] std::size_t capacity() const { return b_.capacity(); }

    void require_intact() const {
        if (b_.size() != written_ - read_) broken("a buffer has %zu bytes unread of %zu", b_.size(), written_ - read_);
        if (!reads_from(b_.unread(), key_, read_)) broken("a buffer does not hold what was written to it");
    }

    // One operation, chosen by `what`, about n bytes.
    void operate(std::size_t what, std::size_t n) {
        leave();
        if (what % 2 == 0)
            write_somehow(what / 2, n);
        else
            read_somehow(what / 2, n);
        enter();
        require_intact();
    }

    void move_about() {
        synk::buffer first(std::move(b_));
        synk::buffer second;
        second = std::move(first);
        swap(b_, second);
        if (first.capacity() + second.capacity() != 0) broken("a moved buffer has left a block behind");
        require_intact();
    }

    // The rest of it as a block, whose contents are those of the key that is returned.
    [[nodiscard]] synk::bytes release(std::uint64_t& key) {
        require_intact();
        leave();
        synk::bytes storage = b_.release_bytes();
        if (storage.size() != written_ - read_) broken("a buffer has released another size");
        if (!reads_from(storage, key_, read_)) broken("a buffer has released other contents");
        key = next_key();
        write_from(storage, key, 0);
        return storage;
    }

    void put(std::size_t way) {
        require_intact();
        leave();
        if (way % 3 == 0) return synk::get_sized_pool().put_sized_buffer(std::move(b_));
        if (way % 3 == 1) return synk::get_unsized_pool().put_buffer(std::move(b_));
        b_ = {};
    }

private:
    // The block may be put, or exchanged, by what follows.
    void leave() {
        if (entered_ != nullptr) world_->lent.strike(std::exchange(entered_, nullptr));
    }
    void enter() {
        if (b_.capacity() == 0) return;
        const auto free = b_.available_buffer(); // up to the block's end
        entered_ = free.data() + free.size() - b_.capacity();
        world_->lent.enter(entered_, b_.capacity());
    }

    void write_somehow(std::size_t how, std::size_t n) {
        undoable_ = undoable_ && how % 5 == 4; // looking
        switch (how % 5) {
        case 0:
            return write(n);
        case 1:
            if (attempt([&] { b_.write_byte(byte_at(written_)); })) ++written_;
            return;
        case 2:
            return fill_free_space(n);
        case 3:
            return pull(n);
        case 4:
            undoable_ = undoable_ && !b_.empty();
            if (attempt([&] { b_.grow(n); }) && b_.available() < n) broken("grow has made too little room");
        }
    }
    void read_somehow(std::size_t how, std::size_t n) {
        switch (how % 7) {
        case 0:
            return read(n);
        case 1:
            return take(b_.next(n), std::min(n, written_ - read_));
        case 2:
            if (b_.unread_byte() != undoable_) broken("unread_byte is not as the last read allows");
            if (undoable_) --read_;
            undoable_ = false;
            return;
        case 3:
            return read_until(byte_at(read_ + n % 512));
        case 4:
            return push(n);
        case 5:
            n %= b_.size() + 1;
            b_.truncate(n);
            written_ = read_ + n;
            break;
        case 6:
            b_.reset();
            written_ = read_;
        }
        undoable_ = false;
    }

    void write(std::size_t n) {
        std::vector<std::byte> more(n);
        write_from(more, key_, written_);
        if (attempt([&] { b_.write(more); })) written_ += n;
    }
    void fill_free_space(std::size_t n) {
        const auto room = b_.available_buffer();
        n = std::min(n, room.size());
        write_from(room.first(n), key_, written_);
        b_.commit(n);
        written_ += n;
    }
    // From a callable that gives n bytes, by and by.
    void pull(std::size_t n) {
        const std::size_t end = written_ + n;
        static_cast<void>(attempt([&] {
            b_.read_from([&](std::span<std::byte> offered) {
                const std::size_t part = std::min(offered.size(), std::min<std::size_t>(end - written_, 3000));
                write_from(offered.first(part), key_, written_);
                written_ += part;
                return part;
            });
        }));
    }

    // Has been read: it must be n bytes, those that come next.
    void take(std::span<const std::byte> got, std::size_t n) {
        if (got.size() != n || !reads_from(got, key_, read_)) broken("a buffer gave what was not written to it");
        read_ += n;
        undoable_ = n != 0;
    }
    void read(std::size_t n) {
        std::vector<std::byte> into(n);
        const std::size_t got = b_.read(into);
        take(std::span(into).first(got), std::min(n, written_ - read_));
    }
    void read_until(std::byte delimiter) {
        std::size_t end = read_;
        while (end < written_ && byte_at(end) != delimiter) ++end;
        const bool found = end < written_;
        const auto slice = b_.read_until(delimiter);
        if (slice.found != found) broken("read_until has %s the delimiter", found ? "missed" : "made up");
        take(slice.data, end - read_ + (found ? 1 : 0));
    }
    // To a callable that takes n bytes, by and by.
    void push(std::size_t n) {
        std::size_t left = n;
        b_.write_to([&](std::span<const std::byte> offered) {
            const std::size_t part = std::min(offered.size(), std::min<std::size_t>(left, 3000));
            take(offered.first(part), part);
            left -= part;
            return part;
        });
        undoable_ = false;
    }

    [[nodiscard]] std::byte byte_at(std::size_t position) const {
        std::byte one{};
        write_from({&one, 1}, key_, position);
        return one;
    }

    world* world_;
    synk::buffer b_;
    const std::byte* entered_ = nullptr; // in the books
    std::size_t read_ = 0, written_ = 0;
    bool undoable_ = false; // the last thing done was a read of a byte or more
    std::uint64_t key_;
};

} // namespace synk_model
