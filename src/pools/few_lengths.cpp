#include "pools/few_lengths.hpp"

#include <algorithm>
#include <optional>

#include "base/settings.hpp"
#include "budget/idle_budget.hpp"
#include "checks/tools.hpp"
#include "pools/growth.hpp"

namespace synk::inline v1::detail {

namespace {

// What is lent, as far as the calling thread can tell.
struct lending {
    std::size_t by_thread; // bytes: what it has itself
    std::size_t in_all;    // bytes

    // For the thread one of the longest blocks, or a 32nd of idle_limit; in all so little that all of idle_limit may
    // lie idle beside it.
    [[nodiscard]] bool is_little() const noexcept { return is_below(1); }
    // Half as much: not to and fro by a buffer more or less.
    [[nodiscard]] bool is_very_little() const noexcept { return is_below(2); }

private:
    [[nodiscard]] bool is_below(std::size_t part) const noexcept {
        const std::size_t limit = budget.limit();
        if (limit < 16 * chunk_size) return false;
        return by_thread < std::min(limit / 32, chunk_size) / part && in_all < limit / 2 / part;
    }
};

// None while somebody else is behind the cache's gate. Whose it is what the thread's own hits did not get nobody counts
// for long: an equal share of it is the thread's, or what its misses brought lately and it has not put.
std::optional<lending> look() noexcept {
    const std::optional<thread_caches::own_use> own = thread_caches::in_own_use();
    if (!own) return std::nullopt;
    const std::size_t in_all = growth::lent_bytes(own->room);
    const std::size_t by_hits = std::min(own->room, in_all); // others may have put what it got
    const std::size_t share = (in_all - by_hits) / thread_caches::threads();
    return lending{by_hits + std::max(share, own->not_put), in_all};
}

} // namespace

bool few_lengths::must_see_blocks() noexcept { return tools::active() || the_settings.no_hits(); }

void few_lengths::choose_after_miss(cache_record& own) noexcept {
    constexpr unsigned look_every = 7; // misses, to look through all bins takes a while; where each counts, each
    constexpr unsigned patience = 2;   // looks: one may come between two bursts
    size_map& sizes = this_thread_start.sizes;
    const bool few = sizes.serves_few_lengths();
    if (own.missed_gets++ % look_every != 0 && !few) return;
    const std::optional<lending> lent = look();
    if (!lent) return;
    if (few) {
        sizes.serve_few_lengths(lent->is_little());
    } else {
        own.looks_in_favour = lent->is_very_little() ? own.looks_in_favour + 1 : 0;
        if (own.looks_in_favour < patience) return;
        own.looks_in_favour = 0;
        sizes.serve_few_lengths(true);
    }
}

} // namespace synk::inline v1::detail
