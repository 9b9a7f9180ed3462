// Who owns which page of a chunk: 1024 bits, a set bit is an owned page.
//
// Owning a run is setting its bits by compare-and-swap, giving it back is clearing them. There are no lists
// and no merging: two neighbours whose bits are clear are one free run. Disjointness in one line: the CAS
// that sets a bit requires it to be clear, so between a set and its clear a page has one owner.
//
// A run may span words. It is claimed word by word upwards; who meets a taken page on the way gives back what
// it has. Lock-free: if two claims hinder each other, the one that holds the highest word goes on. Edges: F1
// (release) publishes all that the run's owner did to its pages and records -> A1 (claim) acquires it. F1 and
// every load of longest_free() are seq_cst because of the argument in chunk_index.
//
// The idea of serving page runs from such bitmaps is LLFree's (Wrenger et al., USENIX ATC 2023); there the
// bits are searched by aligned orders, here by exact length.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>

namespace synk::inline v1::detail {

// Pages [first, first + pages) of a chunk; pages == 0 means none.
struct page_run {
    unsigned first = 0;
    unsigned pages = 0;
};

class page_bitmap {
public:
    static constexpr unsigned words = 16;
    static constexpr unsigned pages = words * 64;

    struct nothing {
        constexpr std::uint64_t operator()(unsigned) const noexcept { return 0; }
    };

    // Claims a run of exactly n pages out of the shortest free run that holds them well. None when no free run is
    // long enough, or when others got in the way too often. Pages whose bits avoid(word) sets count as taken. `undone`
    // is called whenever a try came to nothing, as it may have held pages for a moment.
    template <class Avoid, class Undone>
    [[nodiscard]] page_run claim(unsigned n, Avoid avoid, Undone undone) noexcept {
        for (unsigned attempt = 0; attempt < 8; ++attempt) {
            const page_run found = best_fit(n, avoid);
            if (found.pages == 0) return {};
            if (claim_at(found)) return found;
            undone();
        }
        return {};
    }
    [[nodiscard]] page_run claim(unsigned n) noexcept {
        return claim(n, nothing{}, [] {});
    }

    // Claims exactly this run, or nothing.
    [[nodiscard]] bool claim_at(page_run run) noexcept {
        const unsigned last = (run.first + run.pages - 1) / 64;
        for (unsigned w = run.first / 64; w <= last; ++w) {
            if (claim_word(w, mask(w, run))) continue;
            const unsigned begun = w * 64;
            if (begun > run.first) static_cast<void>(release({run.first, begun - run.first}));
            return false;
        }
        return true;
    }

    // The caller owns the run and gives it up. False when a page of it was not owned by anybody: the records
    // are wrong.
    [[nodiscard]] bool release(page_run run) noexcept {
        bool owned = true;
        const unsigned last = (run.first + run.pages - 1) / 64;
        for (unsigned w = run.first / 64; w <= last; ++w) {
            const std::uint64_t bits = mask(w, run);
            const std::uint64_t before = word_[w].fetch_and(~bits, memory_order_seq_cst); // F1, pairs with A1
            owned = owned && (before & bits) == bits;
        }
        return owned;
    }

    // The next free run at or behind page `from`, as it looks now; none at the end. For walkers: claim_at()
    // it before touching it.
    template <class Avoid = nothing>
    [[nodiscard]] page_run next_free(unsigned from, Avoid avoid = {}) const noexcept {
        const unsigned first = find(from, false, avoid);
        if (first >= pages) return {};
        return {first, find(first, true, avoid) - first};
    }

    // Where n pages would go in the shortest free run that holds them, as it looks now; and the longest free run.
    // Lengths in pages, 0: none.
    struct fit {
        page_run run;
        unsigned room = 0;
        unsigned longest = 0;
    };
    template <class Avoid>
    [[nodiscard]] fit shortest_fit(unsigned n, Avoid avoid) const noexcept {
        fit best;
        for (page_run free = next_free(0, avoid); free.pages != 0; free = next_free(free.first + free.pages, avoid)) {
            best.longest = free.pages > best.longest ? free.pages : best.longest;
            if (free.pages < n || (best.room != 0 && free.pages >= best.room)) continue;
            best.run = place_in(free, n).run;
            best.room = free.pages;
        }
        return best;
    }

    // Length in pages of the longest free run, as it looks now.
    [[nodiscard]] unsigned longest_free() const noexcept {
        unsigned longest = 0;
        for (page_run run = next_free(0); run.pages != 0; run = next_free(run.first + run.pages))
            longest = run.pages > longest ? run.pages : longest;
        return longest;
    }

    // The bits of 64 pages, as they look now.
    [[nodiscard]] std::uint64_t word(unsigned w) const noexcept { return load(w); }
    [[nodiscard]] bool owned(unsigned page) const noexcept { return (load(page / 64) >> (page % 64) & 1U) != 0; }

private:
    // The bits that a run has in word w.
    [[nodiscard]] static constexpr std::uint64_t mask(unsigned w, page_run run) noexcept {
        const unsigned begin = run.first > w * 64 ? run.first - w * 64 : 0;
        const unsigned end = run.first + run.pages < w * 64 + 64 ? run.first + run.pages - w * 64 : 64;
        const std::uint64_t below_end = end == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << end) - 1;
        return below_end & (~std::uint64_t{0} << begin);
    }

    [[nodiscard]] std::uint64_t load(unsigned w) const noexcept { return word_[w].load(memory_order_seq_cst); }

    [[nodiscard]] bool claim_word(unsigned w, std::uint64_t bits) noexcept {
        std::uint64_t seen = word_[w].load(memory_order_relaxed); // relaxed: a guess, the CAS decides
        do {
            if ((seen & bits) != 0) return false;
        } while (!word_[w].compare_exchange_weak(seen, seen | bits, memory_order_acquire, // A1, pairs with F1
                                                 memory_order_relaxed));
        return true;
    }

    // The first page at or behind `from` whose bit is `value`; `pages` when there is none.
    template <class Avoid>
    [[nodiscard]] unsigned find(unsigned from, bool value, Avoid avoid) const noexcept {
        if (from >= pages) return pages;
        const auto bits_of = [&](unsigned w) {
            const std::uint64_t taken = load(w) | avoid(w);
            return value ? taken : ~taken;
        };
        unsigned w = from / 64;
        std::uint64_t bits = bits_of(w) & (~std::uint64_t{0} << (from % 64));
        while (bits == 0) {
            if (++w == words) return pages;
            bits = bits_of(w);
        }
        return w * 64 + static_cast<unsigned>(std::countr_zero(bits));
    }

    // Where n pages go in a free run that holds them: to its front; but many pages to its end, where only that is at a
    // multiple of their number. Such a place is `even`: wholes that were cut up lie so again as they lay before, where
    // the first one to come together would else lie across two others' places. What is left of the run is one run.
    struct place {
        page_run run;
        unsigned room = 0; // pages of the free run
        bool even = false;
    };
    static constexpr unsigned many = 16; // of fewer a chunk has so many places that one more or less is nothing
    [[nodiscard]] static constexpr place place_in(page_run free, unsigned n) noexcept {
        if (n < many || free.first % n == 0) return {{free.first, n}, free.pages, true};
        const unsigned end = free.first + free.pages;
        const bool even = end % n == 0;
        return {{even ? end - n : free.first, n}, free.pages, even};
    }

    // The shortest free run with an even place; without, the shortest one.
    template <class Avoid>
    [[nodiscard]] page_run best_fit(unsigned n, Avoid avoid) const noexcept {
        place best;
        for (page_run free = next_free(0, avoid); free.pages != 0; free = next_free(free.first + free.pages, avoid)) {
            if (free.pages < n) continue;
            const place here = place_in(free, n);
            if (best.room != 0 && (here.even != best.even ? best.even : here.room >= best.room)) continue;
            best = here;
            if (here.even && here.room == n) break;
        }
        return best.run;
    }

    atomic<std::uint64_t> word_[words]{};
};

} // namespace synk::inline v1::detail
