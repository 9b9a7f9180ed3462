// Blocks cut into pieces, and threads that put them where they then rest.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include "support/fresh_pool.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace synk_test {

inline synk::bytes get(std::size_t n) {
    forget_the_past();
    return synk::get_sized_pool().get_sized(n);
}
inline synk::bytes get_pages(std::size_t pages) { return get(pages * page); }

// The largest class of at most so many pages.
inline unsigned class_within(std::size_t pages) {
    const unsigned cls = inside::class_of(pages * page);
    return inside::class_pages(cls) <= pages ? cls : cls - 1;
}

inline std::size_t longest_within(std::size_t pages) { return inside::class_pages(class_within(pages)); }

// The partitions are lengths of blocks, in pages, longest first, that can be cut out of one run without a rest: a get
// of less than 10 pages cuts several such blocks at once for the thread's cache, which only single pages fill up again.

// As many of the longest as fit, and single pages.
inline std::vector<std::size_t> partition(std::size_t pages, std::size_t longest) {
    std::vector<std::size_t> lengths(pages / longest, longest);
    lengths.resize(lengths.size() + pages % longest, 1);
    return lengths;
}

// Blocks of any lengths up to the longest, then of one short length, then single pages.
inline std::vector<std::size_t> random_partition(std::size_t pages, std::size_t longest, random_source& random) {
    constexpr std::size_t cut_alone = 10;
    std::vector<std::size_t> lengths;
    while (pages >= cut_alone && longest >= cut_alone) {
        const unsigned least = inside::class_of(cut_alone * page);
        const auto cls = static_cast<unsigned>(random.between(least, class_within(std::min(pages, longest))));
        lengths.push_back(inside::class_pages(cls));
        pages -= lengths.back();
        if (random.one_in(8)) break;
    }
    std::sort(lengths.rbegin(), lengths.rend());
    const std::size_t brief = random.between(1, std::min(longest, cut_alone - 1));
    const std::size_t count = brief == cut_alone - 1 ? 0 : random.below(pages / brief + 1);
    lengths.resize(lengths.size() + count, brief);
    lengths.resize(lengths.size() + pages - count * brief, 1);
    return lengths;
}

inline std::vector<synk::bytes> get_all(const std::vector<std::size_t>& lengths) {
    std::vector<synk::bytes> held;
    for (const std::size_t pages : lengths) held.push_back(get_pages(pages));
    return held;
}

inline bool within(const synk::bytes& piece, const std::byte* start, std::size_t size) {
    return piece.data() >= start && piece.data() + piece.capacity() <= start + size;
}

// Threads that live on and sleep between what they are told: what they put rests in their caches, and what these have
// no room for in channels or as free pages.
class sleepers {
public:
    explicit sleepers(std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) threads_.push_back(std::make_unique<worker>());
    }
    [[nodiscard]] std::size_t size() const { return threads_.size(); }
    // The calling thread when there is no sleeper with that number.
    void run(std::size_t number, const std::function<void()>& job) {
        if (number < threads_.size())
            threads_[number]->run(job);
        else
            job();
    }
    // In random order, each by a thread between `first` and `last`.
    void put_shuffled(std::vector<synk::bytes> pieces, std::size_t first, std::size_t last, random_source& random) {
        std::shuffle(pieces.begin(), pieces.end(), random);
        for (synk::bytes& b : pieces) run(random.between(first, last), [&b] { b.reset(); });
    }

private:
    std::vector<std::unique_ptr<worker>> threads_;
};

} // namespace synk_test
