// One who gets and puts: a thread's part of a program.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "model/loan.hpp"
#include "model/meddler.hpp"
#include "model/stream.hpp"
#include "support/fresh_pool.hpp"

namespace synk_model {

// Where actors leave blocks for each other.
class mailbox {
public:
    static constexpr std::size_t room = 16;

    void leave(loan l) {
        const std::lock_guard lock(mutex_);
        loans_.push_back(std::move(l));
    }
    std::optional<loan> take() {
        const std::lock_guard lock(mutex_);
        if (loans_.empty()) return {};
        std::optional<loan> l(std::move(loans_.front()));
        loans_.erase(loans_.begin());
        return l;
    }
    [[nodiscard]] bool full() {
        const std::lock_guard lock(mutex_);
        return loans_.size() >= room;
    }

private:
    std::mutex mutex_;
    std::vector<loan> loans_;
};

class actor {
public:
    actor(world& w, mailbox& others, meddler& meddles) : world_(w), others_(others), meddles_(meddles) {}

    void step(choices& next) {
        choose(next);
        while (held_bytes() > most_held) put(next);
    }
    // All that it holds goes to others, or back.
    void give_up() {
        while (!streams_.empty()) finish(0);
        while (!loans_.empty()) {
            if (others_.full())
                let_go(0).put(0);
            else
                others_.leave(let_go(0));
        }
    }

private:
    static constexpr std::size_t most_held = 16 * synk_test::mib;
    static constexpr std::size_t most_streams = 4;

    void choose(choices& next) {
        const std::size_t dice = next.below(64);
        if (dice < 22) return get(next);
        if (dice < 34) return put(next);
        if (dice < 36) return burst(next);
        if (dice < 44) return change(next);
        if (dice < 55) return stream_step(next);
        if (dice < 58) return hand_over(next);
        if (dice < 60) return take(next);
        meddles_.step(next);
    }

    void hold(loan l) { loans_.push_back(std::move(l)); }
    void hold(synk::bytes b, std::size_t size, std::size_t least) {
        if (!b) return; // refused
        if (b.size() != size || b.capacity() < least) broken("got size %zu, capacity %zu", b.size(), b.capacity());
        if (meddles_.zeroes() && !synk_test::all_zero({b.data(), b.capacity()})) broken("zero_on_get gave no zeros");
        hold({world_, std::move(b)});
    }
    void hold(void* bare, std::size_t n) {
        if (bare == nullptr) return;
        if (synk_capacity(bare) < n) broken("got %zu bytes for %zu", synk_capacity(bare), n);
        if (meddles_.zeroes() && !synk_test::all_zero({static_cast<std::byte*>(bare), synk_capacity(bare)}))
            broken("zero_on_get gave no zeros");
        hold({world_, bare});
    }

    void get(choices& next) {
        synk::sized_pool& sized = synk::get_sized_pool();
        synk::unsized_pool& unsized = synk::get_unsized_pool();
        const std::size_t way = next.below(9);
        const std::size_t n = some_size(next, world_.classes);
        journal::trace("get in way %zu, %zu bytes", way, n);
        synk::bytes b;
        void* bare = nullptr;
        switch (way) {
        case 0:
            return hold(attempt_get([&] { return unsized.try_get(); }), 0, synk_test::page);
        case 1:
            if (attempt([&] { b = unsized.get(); })) hold(std::move(b), 0, synk_test::page);
            return;
        case 2:
            if (attempt([&] { b = unsized.get_at_least(n); })) hold(std::move(b), 0, n);
            return;
        case 3:
            return hold(attempt_get([&] { return sized.try_get_sized(n); }), n, n);
        case 4:
            if (attempt([&] { bare = sized.allocate(n); })) hold(bare, n);
            return;
        case 5:
            return hold(attempt_get([&] { return synk_get(n); }), n);
        case 6:
            bare = attempt_get([&] { return synk_get_zeroed(n); });
            if (bare != nullptr && !synk_test::all_zero({static_cast<std::byte*>(bare), n}))
                broken("synk_get_zeroed gave no zeros");
            return hold(bare, n);
        default:
            if (attempt([&] { b = sized.get_sized(n); })) hold(std::move(b), n, n);
        }
    }

    // Gets and puts of one size as fast as they go, marked by one word: the more time an actor spends inside of its own
    // cache, the sooner another meets it there.
    void burst(choices& next) {
        const std::size_t n = some_size(next, world_.classes);
        const std::uint64_t key = next_key();
        journal::trace("burst of %zu bytes", n);
        for (std::uint64_t i = 0; i < 256; ++i) {
            synk::bytes b = attempt_get([n] { return synk::get_sized_pool().try_get_sized(n); });
            if (!b) continue;
            auto* const word = new (b.data()) std::atomic<std::uint64_t>(key + i);
            if (word->load() != key + i) broken("a word at %p was written by somebody else", static_cast<void*>(word));
        }
    }

    loan let_go(std::size_t which) {
        std::swap(loans_[which], loans_.back());
        loan l = std::move(loans_.back());
        loans_.pop_back();
        return l;
    }
    void put(choices& next) {
        if (loans_.empty()) return streams_.empty() ? void() : finish(next.below(3));
        const std::size_t which = next.below(loans_.size());
        const std::size_t way = next.below(8);
        journal::trace("put %p in way %zu", static_cast<void*>(loans_[which].data()), way);
        let_go(which).put(way);
    }

    void change(choices& next) {
        if (loans_.empty()) return;
        loan& l = loans_[next.below(loans_.size())];
        const std::size_t way = next.below(9);
        const std::size_t n = next.one_in(3) ? l.capacity() + next.below(64 * 1024) : some_size(next, world_.classes);
        journal::trace("change %p in way %zu, %zu bytes", static_cast<void*>(l.data()), way, n);
        switch (way) {
        case 0:
            return l.release();
        case 1:
            return l.adopt();
        case 2:
            return l.resize(n);
        case 3:
            return l.reserve(n);
        case 4:
            if (l.capacity() > most_held / 4) return;
            return l.append_own(next.below(4096), n);
        case 5:
            return l.resize_in_c(n);
        case 6:
            return l.move_about();
        case 7:
            return l.resize(l.capacity() - next.below(4096)); // there is less to copy when it grows
        default:
            return l.require_intact();
        }
    }

    void stream_step(choices& next) {
        if (streams_.empty() || (streams_.size() < most_streams && next.one_in(8))) return begin_stream(next);
        const std::size_t which = next.below(streams_.size());
        const std::size_t way = next.below(20);
        journal::trace("stream %zu, way %zu", which, way);
        if (way == 0) return finish(next.below(3));
        if (way == 1) return turn_into_loan();
        if (way == 2) return streams_[which].move_about();
        const std::size_t what = next.below(70);
        const std::size_t n = next.one_in(10) ? next.below(256 * 1024) : next.below(3000);
        streams_[which].operate(streams_[which].capacity() > most_held / 4 ? what | 1 : what, n);
    }
    void begin_stream(choices& next) {
        const std::size_t way = next.below(5);
        const std::size_t n = some_size(next, world_.classes);
        journal::trace("new stream in way %zu, %zu bytes", way, n);
        if (way == 4 && !loans_.empty()) {
            auto [storage, key] = let_go(next.below(loans_.size())).into_handle();
            streams_.emplace_back(world_, std::move(storage), key);
            return;
        }
        synk::buffer b;
        const bool done = attempt([&] {
            if (way == 0) b = synk::get_unsized_pool().get_buffer();
            if (way == 1) b = synk::get_unsized_pool().get_buffer_at_least(n);
            if (way == 2) b = synk::get_sized_pool().get_sized_buffer(n);
        });
        if (done && (!b.empty() || b.available() < (way == 0 ? synk_test::page : way < 3 ? n : 0)))
            broken("a buffer was got with %zu bytes unread, room for %zu", b.size(), b.available());
        streams_.emplace_back(world_, std::move(b));
    }
    void finish(std::size_t way) {
        streams_.back().put(way);
        streams_.pop_back();
    }
    void turn_into_loan() {
        if (streams_.back().capacity() == 0) return finish(0);
        std::uint64_t key = 0;
        synk::bytes b = streams_.back().release(key);
        streams_.pop_back();
        hold({world_, std::move(b), key});
    }

    void hand_over(choices& next) {
        if (loans_.empty() || others_.full()) return;
        journal::trace("hand over");
        others_.leave(let_go(next.below(loans_.size())));
    }
    void take(choices&) {
        std::optional<loan> l = others_.take();
        if (!l) return;
        journal::trace("take %p", static_cast<void*>(l->data()));
        l->require_intact();
        hold(*std::move(l));
    }

    [[nodiscard]] std::size_t held_bytes() const {
        std::size_t bytes = 0;
        for (const loan& l : loans_) bytes += l.capacity();
        for (const stream& s : streams_) bytes += s.capacity();
        return bytes;
    }

    world& world_;
    mailbox& others_;
    meddler& meddles_;
    std::vector<loan> loans_;
    std::vector<stream> streams_;
};

} // namespace synk_model
