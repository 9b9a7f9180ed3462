#include "pools/block_source.hpp"

#include <algorithm>

#include "budget/idle_budget.hpp"
#include "cache/thread_caches.hpp"
#include "channel/channels.hpp"
#include "chunks/chunk_store.hpp"
#include "pools/few_lengths.hpp"
#include "pools/growth.hpp"
#include "pools/rare_use.hpp"
#include "reclaim/give_back.hpp"
#include "shared/shared_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

bool pop_or_unpark(cache_record& c, unsigned cls, held_block& out) noexcept {
    return c.pop(cls, out) || (thread_caches::unpark(c, cls) && c.pop(cls, out));
}

block pop_own(const cache_record& own, unsigned cls) noexcept {
    held_block b;
    if (thread_caches::has_any(own, cls)) // most often not, or the hit path would have found it
        thread_caches::behind_own_gate([&](cache_record& c) { pop_or_unpark(c, cls, b); });
    return b.plain();
}

// How many blocks a miss brings for the cache: a megabyte of them, but at most half of what the channel holds.
constexpr unsigned most_at_once = 32;
unsigned batch_of(unsigned cls) noexcept {
    constexpr std::size_t batch_bytes = std::size_t{1} << 20;
    const std::size_t fit = batch_bytes / class_bytes(cls);
    const unsigned most = std::min(most_at_once, channel_bound(tier_of_class(cls)) / 2);
    return fit < 1 ? 1 : fit < most ? static_cast<unsigned>(fit) : most;
}

// Everything but the first goes into the thread's cache, what does not fit there back where it came from.
block keep_rest(unsigned cls, std::byte** blocks, unsigned n) noexcept {
    if (n == 0) return {};
    unsigned stowed = 0;
    thread_caches::behind_own_gate([&](cache_record& c) {
        thread_caches::note_brought_in(c, cls, n);
        if (n > 1) stowed = thread_caches::stow(c, cls, blocks + 1, n - 1);
    });
    if (stowed < n - 1) shared_store::put_reserved(cls, blocks + 1 + stowed, n - 1 - stowed);
    return {blocks[0], class_bytes(cls)};
}

// A larger idle block in the thread's own cache becomes free pages.
bool split_from_own(unsigned cls) noexcept {
    std::byte* larger = nullptr;
    unsigned found = 0;
    thread_caches::behind_own_gate([&](cache_record& c) {
        for (unsigned from = cls + 1; found == 0 && from < chunk_class_count; ++from)
            found = thread_caches::take_reserved(c, from, &larger, 1);
    });
    if (found != 0) shared_store::put_pages(&larger, 1);
    return found != 0;
}

constexpr unsigned few_pieces = 16;

// Idle blocks that are shorter than this class and lie in the chunk of this place become free pages, those of other
// threads' caches excepted.
void free_beside(const std::byte* place, unsigned cls) noexcept {
    shared_store::free_from_channels_beside(place, cls);
    std::byte* shorter[few_pieces];
    for (unsigned from = cls; from-- > 0;)
        for (unsigned n = few_pieces; n == few_pieces;) {
            n = 0;
            thread_caches::behind_own_gate(
                [&](cache_record& c) { n = thread_caches::take_beside(c, from, place, shorter, few_pieces); });
            shared_store::put_pages(shorter, n);
        }
}

// Shorter blocks in the thread's own cache become free pages, the longest first, until one of their chunks has a free
// run long enough for this class, as far as it is seen: of each few short ones only the last one's chunk is. Returns a
// place in that chunk; null when there are no more.
const std::byte* restore_from_own(unsigned cls) noexcept {
    std::byte* shorter[few_pieces];
    for (unsigned from = cls; from-- > 0;) {
        const std::size_t few = std::max(std::size_t{1}, few_pieces * page_size / class_bytes(from));
        for (unsigned n = 1; n != 0;) {
            n = 0;
            thread_caches::behind_own_gate([&](cache_record& c) {
                n = thread_caches::take_reserved(c, from, shorter, static_cast<unsigned>(few));
            });
            if (n != 0 && shared_store::put_pages(shorter, n, cls)) return shorter[n - 1];
        }
    }
    return nullptr;
}

// New memory would not leave address space unused that is there already.
bool little_is_cold() noexcept { return chunk_store::cold_bytes() < chunk_size; }

// Whether most of what is idle lies in chunks. To cut a long run there costs larger blocks, but to gather the little
// that lies elsewhere costs all threads what they have close at hand, and those would gather again what they then miss.
bool little_to_gather() noexcept {
    return shared_store::channel_bytes() + thread_caches::reserved_bytes() < counters.chunk_warm.get();
}

// Whether blocks of classes below `end` that lie in caches and channels, and the free pages around them, may make up a
// block of this class.
bool pieces_may_do(unsigned cls, unsigned end) noexcept {
    const std::size_t bytes = class_bytes(cls);
    const std::size_t in_channels = shared_store::channel_bytes(end);
    const std::size_t around = in_channels + chunk_store::free_bytes();
    if (thread_caches::reserved_bytes() + around < bytes) return false; // quick, and at least what follows
    const std::size_t in_caches = thread_caches::idle_bytes(end);
    return in_caches + in_channels != 0 && in_caches + around >= bytes;
}

using get_function = found_blocks(unsigned cls, std::byte** out, unsigned want) noexcept;

// Makes pieces whole again, with each other and with the free pages around them: those in channels and then those in
// the thread's own cache one by one, for as long as it takes. To empty the caches costs all threads what they have
// close at hand, and all that they then miss. Where only resident pages will do and many are not, it does not help to
// know of a run that is long enough: it most often was so before, without memory.
found_blocks restore(unsigned cls, std::byte** blocks, get_function get) noexcept {
    const bool any_run_will_do = get == shared_store::get || little_is_cold();
    // Of a few: others may be faster, or what came together is in part without memory.
    for (int attempt = 0; attempt < 8; ++attempt) {
        const std::byte* place = shared_store::restore_from_channels(cls);
        if (place == nullptr && any_run_will_do) place = restore_from_own(cls);
        // As many wholes shall come to lie in the chunk as lay there before.
        if (place != nullptr && class_bytes(cls) <= chunk_size / 2) free_beside(place, cls);
        const found_blocks found = get(cls, blocks, 1); // in any case: what came together may not have been seen
        if (found.count != 0) return found;
        if (place == nullptr) break;
    }
    gather_idle();
    return get(cls, blocks, 1);
}

found_blocks get_by_cutting_up(unsigned cls, std::byte** blocks, get_function get) noexcept {
    found_blocks found;
    const bool cut = split_from_own(cls) || shared_store::split_from_channel(cls);
    if (cut) found = get(cls, blocks, 1);
    if (cut && found.count == 0) found = shared_store::get(cls, blocks, 1); // it was much longer
    if (found.count == 0 && little_to_gather()) found = shared_store::get_long_resident(cls, blocks, batch_of(cls));
    if (found.count == 0 && pieces_may_do(cls, cached_class_count)) found = restore(cls, blocks, get);
    if (found.count != 0) growth::note_eviction();
    return found;
}

// A block of the thread's own cache that is longer than its class, or of a class below the length that would serve the
// request, and that the request fills to a half: lent as it is, it comes back as it was. It is close at hand, too: what
// chunks have is shared, and to cut it off there takes some thirty times as long.
block pop_own_longer(unsigned cls, unsigned longest, std::size_t n) noexcept {
    held_block b;
    thread_caches::behind_own_gate([&](cache_record& c) {
        for (unsigned longer = class_of(n); longer <= longest && class_bytes(longer) / 2 <= n; ++longer)
            if (pop_or_unpark(c, longer, b)) return thread_caches::count_hit_for(c, cls, longer);
    });
    if (b.data != nullptr) growth::note_eviction();
    return b.plain();
}

found_blocks get_by_growing(unsigned cls, std::byte** blocks) noexcept {
    const found_blocks found = shared_store::get_new(cls, blocks, batch_of(cls));
    growth::account_for(found, growth::memory::new_to_pool);
    return found;
}

unsigned get_after_giving_back(unsigned cls, std::byte** blocks) noexcept {
    const bool found = after_giving_all_back(class_bytes(cls), [&] {
        return shared_store::get_new(cls, blocks, 1).count != 0 ||
               shared_store::get(cls, blocks, 1).count != 0; // what another thread's failure freed
    });
    return found ? 1 : 0;
}

// While much lies idle: a longer block. But a thread that has no place for the class would come for one again and
// again: it gets a run cut off in a chunk, where there is a resident one, and keeps that.
block find_close_at_hand(unsigned cls, std::size_t n, std::byte** blocks) noexcept {
    cache_record* const c = thread_caches::own();
    if (c != nullptr && thread_caches::lacks(*c, cls)) {
        const found_blocks found = shared_store::get_resident(cls, blocks, batch_of(cls));
        growth::account_for(found, growth::memory::known);
        if (found.count != 0) {
            thread_caches::note_cut_off(*c, cls);
            return keep_rest(cls, blocks, found.count);
        }
    }
    return pop_own_longer(cls, cls + class_fan, n);
}

// What lies idle, but not at hand. Where a common length would serve the request, the least class that holds it will
// do: that costs others no more than it would if each size had its class. `cls` becomes that of the blocks.
found_blocks get_out_of_reach(unsigned& cls, unsigned least, std::byte** blocks, get_function get) noexcept {
    found_blocks found;
    if (cls != least) found.count = shared_store::get_passed_on(least, blocks, 1);
    if (cls != least && found.count == 0) found = get(least, blocks, 1);
    if (found.count != 0)
        growth::note_eviction(); // or it might be served so for ever, and never by a hit
    else
        found = get_by_cutting_up(least, blocks, get);
    if (found.count != 0) cls = least;
    return found;
}

// For a thread that had better be served by new memory than cut up longer blocks: what was split comes together all the
// same once its pieces are idle, however often that was so before.
found_blocks get_whole_again(unsigned& cls, unsigned least, std::byte** blocks, get_function get) noexcept {
    if (!pieces_may_do(least, least)) return {};
    const found_blocks found = restore(least, blocks, get);
    if (found.count != 0) growth::note_put_together(cls = least);
    return found;
}

// Of what was passed on up to `batch` blocks come at once. Pages without memory behind them come last where that memory
// would have to come from what is idle.
block find_in_chunks(unsigned cls, std::size_t n, unsigned batch) noexcept {
    std::byte* blocks[most_at_once];
    const unsigned least = class_of(n);
    if (growth::gathers_first()) {
        gather_nearby();
        batch = 1; // or there would be pieces again
    }
    if (const unsigned passed_on = shared_store::get_passed_on(cls, blocks, batch))
        return keep_rest(cls, blocks, passed_on);
    const growth::longer lend_longer = growth::may_lend_longer();
    if (lend_longer == growth::longer::yes) {
        const block found = find_close_at_hand(cls, n, blocks);
        if (found.data != nullptr) return found;
    }
    const bool is_due = growth::is_due();
    const bool may_be_shorter = cls != least && lend_longer != growth::longer::not_this_time && !is_due;
    if (may_be_shorter) {
        const block own = pop_own_longer(cls, cls, n);
        if (own.data != nullptr) return own;
    }
    if (growth::is_overdue(cls) && little_is_cold()) {
        const found_blocks grown = get_by_growing(cls, blocks);
        if (grown.count != 0) return keep_rest(cls, blocks, grown.count);
        growth::note_put_together(0); // or each miss would ask the system again
    }
    const bool is_short = growth::is_short();
    get_function& get = is_short ? shared_store::get_resident : shared_store::get;
    found_blocks found = get(cls, blocks, batch);
    // Pages without memory are new, too, but mapped already, and taking them empties nobody's cache.
    if (found.count == 0 && is_short && is_due) found = shared_store::get(cls, blocks, batch);
    if (found.count == 0)
        found = is_due ? get_whole_again(cls, least, blocks, get)
                       : get_out_of_reach(cls, may_be_shorter ? least : cls, blocks, get);
    if (found.count == 0 && is_short) found = shared_store::get_least_gone(cls, blocks);
    if (found.count == 0 && is_short) found = shared_store::get(cls, blocks, batch);
    growth::account_for(found, growth::memory::known);
    if (found.count == 0) found = get_by_growing(cls, blocks);
    if (found.count == 0) found.count = get_after_giving_back(cls, blocks);
    if (found.count == 0 && cls != least) {
        cls = least;
        found.count = get_after_giving_back(cls, blocks);
    }
    return keep_rest(cls, blocks, found.count);
}

block map_large(std::size_t n) noexcept {
    const block b = shared_store::get_new_large(n);
    growth::account_for({1, b.capacity}, growth::memory::new_to_pool);
    return b;
}

block map_large_after_giving_back(std::size_t n) noexcept {
    block b;
    static_cast<void>(after_giving_all_back(n, [&] { return (b = shared_store::get_new_large(n)).data != nullptr; }));
    return b;
}

void note_brought_in(block b) noexcept {
    thread_caches::behind_own_gate(
        [&](cache_record& c) { thread_caches::note_brought_in(c, class_of(b.capacity), 1); });
}

block find_large(std::size_t n) noexcept {
    block b = shared_store::get_large(n);
    if (b.data == nullptr && !growth::is_due()) {
        const block longer = pop_own_longer(class_of(n), class_of(n) + class_fan, n);
        if (longer.data != nullptr) return longer;
    }
    if (b.data == nullptr) b = map_large(n);
    if (b.data == nullptr) b = map_large_after_giving_back(n);
    if (b.data != nullptr) note_brought_in(b);
    return b;
}

block find_elsewhere(unsigned cls, std::size_t n) noexcept {
    return cls < chunk_class_count ? find_in_chunks(cls, n, batch_of(cls)) : find_large(n);
}

block find_past_cache(std::size_t n) noexcept {
    const unsigned cls = class_of(n);
    std::byte* data = nullptr;
    // Beside much that is lent the shortest run that will do comes first, or what lies idle there would soon be in
    // pieces.
    if (!growth::has_to_pay() && shared_store::get_near(cls, &data).count != 0) return {data, class_bytes(cls)};
    return find_in_chunks(cls, n, 1);
}

} // namespace

block find_block(std::size_t n) noexcept {
    if (n == 0) n = 1;
    cache_record* const c = thread_caches::own();
    if (c == nullptr) return find_elsewhere(class_of(n), n);
    thread_caches::grant_wish(*c);
    size_map& sizes = this_thread_start.sizes;
    const bool may_choose = !few_lengths::must_see_blocks();
    if (!may_choose) sizes.serve_few_lengths(false);
    unsigned cls = class_in(sizes.bin_for(n));
    if (rare_use::goes_past_cache(*c, cls)) return find_past_cache(n);
    block b = pop_own(*c, cls);
    if (b.data != nullptr) return b;
    if (cls >= cached_class_count) return find_elsewhere(cls, n);
    ++c->misses[cls];
    if (may_choose) few_lengths::choose_after_miss(*c);
    const unsigned missed = cls;
    cls = class_in(sizes.bin_for(n));
    if (cls != missed) b = pop_own(*c, cls);
    return b.data != nullptr ? b : find_elsewhere(cls, n);
}

block find_idle_large(std::size_t n) noexcept {
    const block own = pop_own_longer(class_of(n), class_of(n) + class_fan, n);
    if (own.data != nullptr) return own;
    const block shelved = shared_store::get_large(n);
    if (shelved.data != nullptr) note_brought_in(shelved);
    return shelved;
}

} // namespace synk::inline v1::detail
