// A chunk: 4 MiB of address space, cut into runs of pages. Its record lies outside of it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <synk/detail/atomic.hpp>
#include <synk/detail/put_bias.hpp>
#include <synk/detail/size_class.hpp>

#include "chunks/page_bitmap.hpp"
#include "chunks/page_records.hpp"

namespace synk::inline v1::detail {

// What is known about the block that starts at a page. Written by the block's owner (relaxed: handed over with the
// block) and by who takes a mark away, read by anybody who checks a pointer.
//     bits 0..5 class + 1, 0 = no block starts here | bit 7 in quarantine | bits 16..31 seal
//     and what put_bias adds where the block is lent as a bare pointer
// The seal depends on the place and the class, so that a stray write to a record, or a record copied elsewhere, is
// noticed: no two pages of a chunk have the same one, nor has a page the same one for two classes.
class block_record {
public:
    static constexpr std::uint32_t held_bit = 1U << 7;

    constexpr block_record() noexcept = default;
    block_record(unsigned cls, const std::byte* data) noexcept : value_(sealed(cls, data)) {}
    static block_record from(std::uint32_t value) noexcept {
        block_record r;
        r.value_ = value;
        return r;
    }

    [[nodiscard]] bool none() const noexcept { return value_ == 0; }
    [[nodiscard]] unsigned cls() const noexcept { return (value_ & class_mask) - 1; }
    [[nodiscard]] bool bare() const noexcept { return (value_ & put_bias::bare_bit) != 0; }
    [[nodiscard]] block_record without_mark() const noexcept {
        return bare() ? from(value_ - put_bias::mark_of(put_bias::lender_in(value_))) : *this;
    }
    [[nodiscard]] bool sealed_for(const std::byte* data) const noexcept {
        const std::uint32_t wrong = without_mark().value() ^ sealed(cls(), data);
        return cls() < chunk_class_count && (wrong & ~held_bit) == 0;
    }
    [[nodiscard]] std::uint32_t value() const noexcept { return value_; }

private:
    // In five instructions, as each get and each put of a bare pointer makes one: the page's number, moved by a step
    // for each class, and a bit that is always set, so that no seal is 0.
    [[nodiscard]] static std::uint32_t sealed(unsigned cls, const std::byte* data) noexcept {
        static_assert(chunk_class_count <= class_mask, "a class fits into the bits below the marks");
        constexpr std::uint32_t step = 0x6A0D; // odd: no two classes come to the same place
        const auto place = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(data)); // of a whole page
        return (place << (seal_shift + 1 - page_shift)) + (cls + 1) * (step << (seal_shift + 1) | 1) +
               (1U << seal_shift);
    }
    static constexpr std::uint32_t class_mask = put_bias::bare_bit - 1;
    static_assert(held_bit == put_bias::bare_bit << 1 && held_bit << 1 == 1U << put_bias::lender_shift);
    static constexpr unsigned seal_shift = 16;
    std::uint32_t value_ = 0;
};

// A flag a page, changed only by the page's owner; words are shared with the owners of other pages.
class page_flags {
public:
    void set(page_run run) noexcept {
        each_word(run, [](auto& word, std::uint64_t bits) { word.fetch_or(bits, memory_order_relaxed); });
    }
    // Returns how many pages of the run had the flag.
    unsigned clear(page_run run) noexcept {
        unsigned had = 0;
        each_word(run, [&had](auto& word, std::uint64_t bits) {
            // relaxed: the page bitmap's edges order it for the owners of these bits.
            if ((word.load(memory_order_relaxed) & bits) == 0) return;
            had += static_cast<unsigned>(std::popcount(word.fetch_and(~bits, memory_order_relaxed) & bits));
        });
        return had;
    }
    [[nodiscard]] std::uint64_t word(unsigned w) const noexcept { return word_[w].load(memory_order_relaxed); }
    [[nodiscard]] unsigned count(page_run run) noexcept {
        unsigned has = 0;
        each_word(run, [&has](auto& word, std::uint64_t bits) {
            const std::uint64_t set = word.load(memory_order_relaxed) & bits;
            if (set != 0) has += static_cast<unsigned>(std::popcount(set)); // mostly not, and it may be a call
        });
        return has;
    }

private:
    template <class Visit>
    void each_word(page_run run, Visit visit) noexcept {
        for (unsigned page = run.first; page < run.first + run.pages;) {
            const unsigned end =
                (page / 64 + 1) * 64 < run.first + run.pages ? (page / 64 + 1) * 64 : run.first + run.pages;
            const unsigned n = end - page;
            const std::uint64_t bits = (n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1) << (page % 64);
            visit(word_[page / 64], bits);
            page = end;
        }
    }
    atomic<std::uint64_t> word_[page_bitmap::words]{};
};

// Whether two places are of the same chunk, as it begins at a multiple of its size.
[[nodiscard]] inline bool share_chunk(const void* a, const void* b) noexcept {
    return ((reinterpret_cast<std::uintptr_t>(a) ^ reinterpret_cast<std::uintptr_t>(b)) >> chunk_shift) == 0;
}

struct alignas(64) chunk {
    explicit chunk(unsigned number) noexcept : id(number) { static_cast<void>(owned.claim_at(whole)); }

    static constexpr page_run whole{0, page_bitmap::pages};
    static constexpr unsigned unlisted = ~0U;
    static constexpr unsigned unmeasured = ~0U;
    static constexpr unsigned no_page = ~0U;

    const unsigned id;
    atomic<unsigned> listed{unlisted}; // the class under which the index has it, see chunk_index
    // Pages: no run of free pages that have memory behind them is longer. A hint, see find_resident().
    atomic<unsigned> longest_resident{unmeasured};
    // Null while the chunk has no address space; then all pages are owned, by the slot table or by who takes
    // it. Written by the owner of the whole chunk, published to others by the address map and by released
    // pages.
    atomic<std::byte*> base{nullptr};
    atomic<page_record*> records{nullptr}; // of its pages; as base
    page_record* own_records = nullptr;    // where it once had none in the table; as base, but for owners alone
    page_bitmap owned;
    page_flags gone;                     // pages without memory behind them
    page_flags weak;                     // free pages that the system may take at any moment
    page_flags quiet;                    // free pages that the keeper has found free before
    atomic<std::uint64_t> calm_since{0}; // ns: when the keeper last found it touched; the keeper's
    atomic<std::uint64_t> refused_at{0}; // ns: when the system last refused advice on it, 0: not; the keeper's
    atomic<bool> touched{false};         // something was claimed or freed since the keeper came by
    atomic<bool> on_huge_pages{false};   // see huge_chunk.hpp
    atomic<bool> had_huge_pages{false};  // since it was cut anew, and may have some yet

    [[nodiscard]] std::byte* start() const noexcept { return base.load(memory_order_relaxed); } // relaxed: see base
    [[nodiscard]] std::byte* at(unsigned page) const noexcept { return start() + page * page_size; }
    [[nodiscard]] unsigned page_of(const void* p) const noexcept {
        return static_cast<unsigned>((reinterpret_cast<std::uintptr_t>(p) >> page_shift) % page_bitmap::pages);
    }
    [[nodiscard]] page_record& record(unsigned page) const noexcept {
        return records.load(memory_order_relaxed)[page]; // relaxed: see base
    }
    [[nodiscard]] block_record record_at(unsigned page) const noexcept {
        return block_record::from(record(page).load(memory_order_relaxed)); // relaxed: see block_record
    }
    // The first page of the block that a page belongs to, as the records say now.
    [[nodiscard]] unsigned start_around(unsigned page) const noexcept {
        for (unsigned first = page + 1; first-- > 0;) {
            const block_record r = record_at(first);
            if (r.none()) continue;
            return r.sealed_for(at(first)) && first + class_pages(r.cls()) > page ? first : no_page;
        }
        return no_page;
    }
    void set_record(unsigned page, block_record r) const noexcept {
        record(page).store(r.value(), memory_order_relaxed);
    }
};

} // namespace synk::inline v1::detail
