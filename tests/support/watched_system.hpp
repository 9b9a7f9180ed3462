// An operating system with a clock of the test's own, that notes every advice, refuses what it is told to, and looks
// whether memory that somebody uses is touched by an advice.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "chunks/address_map.hpp"
#include "chunks/chunk.hpp"
#include "pages/system.hpp"

namespace synk_test {

using std::chrono::milliseconds;
using synk::detail::advice;

struct advised {
    const std::byte* at;
    std::size_t size;
    advice what;
    milliseconds when;

    [[nodiscard]] bool meets(const void* begin, std::size_t bytes) const {
        const auto* const other = static_cast<const std::byte*>(begin);
        return at < other + bytes && other < at + size;
    }
};

// While it lives the library calls it instead of Linux. One at a time. Memory calls go on to Linux.
class watched_system {
public:
    watched_system() {
        state() = {};
        const milliseconds real = real_time();
        if (clock_ < real) clock_ = real;
        calls_ = synk::detail::linux_calls;
        calls_.map = map;
        calls_.unmap = unmap;
        calls_.make_accessible = make_accessible;
        calls_.make_inaccessible = make_inaccessible;
        calls_.advise = advise;
        calls_.remap = remap;
        calls_.barrier = barrier;
        calls_.now = now;
        synk::detail::the_system.store(&calls_);
    }
    watched_system(const watched_system&) = delete;
    watched_system& operator=(const watched_system&) = delete;
    ~watched_system() {
        synk::detail::the_system.store(&synk::detail::linux_calls);
        for (const advised& a : state().forbidden)
            ADD_FAILURE() << "advice " << static_cast<int>(a.what) << " on memory in use: " << a.size << " bytes at "
                          << static_cast<const void*>(a.at);
    }

    // The clock stands still but for this. It never goes back, not from one watched_system to the next either.
    static void pass(milliseconds time) { clock_ += time; }
    [[nodiscard]] static milliseconds time() { return clock_; }

    static void refuse(advice what, bool refused = true) { state().refused[static_cast<int>(what)] = refused; }
    static void refuse_barrier(bool refused = true) { state().barrier_refused = refused; }
    // Refuses the n-th call from now, of whatever kind; 0: none. Notes of time are no calls.
    static void refuse_call(std::size_t n) {
        state().calls = 0;
        state().refused_call = n;
    }
    [[nodiscard]] static bool call_refused() {
        return state().refused_call != 0 && state().calls >= state().refused_call;
    }

    // The weak and gone advice since the last call of this.
    [[nodiscard]] static std::vector<advised> take_advice() { return std::exchange(state().notes, {}); }

    // How often this was advised.
    [[nodiscard]] static std::size_t count(advice what) { return state().counts[static_cast<int>(what)]; }

    // What a test has in its hands. Advice on it fails the test.
    static void lent(const void* at, std::size_t size) {
        const std::lock_guard lock(mutex_);
        state().lent.push_back({static_cast<const std::byte*>(at), size, advice::weak, {}});
    }
    static void put(const void* at) {
        const std::lock_guard lock(mutex_);
        std::erase_if(state().lent, [at](const advised& l) { return l.at == at; });
    }

private:
    struct everything {
        std::vector<advised> notes, lent, forbidden;
        bool refused[5] = {};
        std::size_t counts[5] = {};
        bool barrier_refused = false;
        std::size_t calls = 0, refused_call = 0;
    };
    static everything& state() {
        static everything all;
        return all;
    }

    static bool counts_out() noexcept { return ++state().calls == state().refused_call; }

    // A block has a record while it is lent, in a cache or in a channel.
    static bool has_block(const synk::detail::chunk& c, const std::byte* at, std::size_t size) noexcept {
        const unsigned first = c.page_of(at);
        const auto end = first + static_cast<unsigned>(size / synk::detail::page_size);
        for (unsigned p = 0; p < end; ++p) {
            const auto r = c.record_at(p);
            if (!r.none() && (p >= first || p + synk::detail::class_pages(r.cls()) > first)) return true;
        }
        return false;
    }
    static bool in_use(const advised& a) noexcept {
        const synk::detail::chunk* const c = synk::detail::places.find(a.at).as_chunk();
        if (c != nullptr && has_block(*c, a.at, a.size)) return true;
        return std::ranges::any_of(state().lent, [&a](const advised& l) { return a.meets(l.at, l.size); });
    }
    // Of the pool's own records nothing is noted.
    static void note(const advised& a) {
        if (synk::detail::places.find(a.at).nobody()) return;
        ++state().counts[static_cast<int>(a.what)];
        if (a.what != advice::weak && a.what != advice::gone) return;
        if (in_use(a)) state().forbidden.push_back(a);
        state().notes.push_back(a);
    }

    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        const std::lock_guard lock(mutex_);
        return counts_out() ? nullptr : synk::detail::linux_calls.map(size, accessible, wish);
    }
    static bool unmap(void* at, std::size_t size) noexcept {
        const std::lock_guard lock(mutex_);
        return !counts_out() && synk::detail::linux_calls.unmap(at, size);
    }
    static bool make_accessible(void* at, std::size_t size) noexcept {
        const std::lock_guard lock(mutex_);
        return !counts_out() && synk::detail::linux_calls.make_accessible(at, size);
    }
    static bool make_inaccessible(void* at, std::size_t size) noexcept {
        const std::lock_guard lock(mutex_);
        return !counts_out() && synk::detail::linux_calls.make_inaccessible(at, size);
    }
    static bool advise(void* at, std::size_t size, advice what) noexcept {
        const std::lock_guard lock(mutex_);
        const advice known = what == advice::gone_unless_locked ? advice::gone : what; // nothing is locked
        note({static_cast<const std::byte*>(at), size, known, clock_});
        return !counts_out() && !state().refused[static_cast<int>(known)] &&
               synk::detail::linux_calls.advise(at, size, what);
    }
    static void* remap(void* at, std::size_t size, std::size_t new_size, void* target) noexcept {
        const std::lock_guard lock(mutex_);
        return counts_out() ? nullptr : synk::detail::linux_calls.remap(at, size, new_size, target);
    }
    static bool barrier() noexcept {
        const std::lock_guard lock(mutex_);
        return !counts_out() && !state().barrier_refused && synk::detail::linux_calls.barrier();
    }
    static std::uint64_t now() noexcept { return static_cast<std::uint64_t>(std::chrono::nanoseconds(clock_).count()); }

    static inline std::mutex mutex_;
    static milliseconds real_time() {
        return std::chrono::ceil<milliseconds>(std::chrono::nanoseconds(synk::detail::linux_calls.now()));
    }
    static inline milliseconds clock_{0};
    static inline synk::detail::system_calls calls_;
};

} // namespace synk_test
