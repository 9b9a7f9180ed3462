#include "shared/shared_store.hpp"

#include <algorithm>

#include "budget/idle_budget.hpp"
#include "channel/channels.hpp"
#include "chunks/chunk.hpp"
#include "chunks/chunk_store.hpp"
#include "large/large_store.hpp"
#include "stats/counters.hpp"

namespace synk::inline v1::detail {

namespace {

tier_counters& counters_of(unsigned cls) noexcept { return counters.tiers[tier_of_class(cls)]; }

// Fresh blocks for a cache are cut only in small amounts: they are pages that others could use.
unsigned batch_from_chunks(unsigned cls, unsigned want) noexcept {
    constexpr std::size_t batch_bytes = 64 * 1024;
    const std::size_t fit = batch_bytes / class_bytes(cls);
    if (fit <= 1) return 1;
    return fit < want ? static_cast<unsigned>(fit) : want;
}

// What lies in channels becomes free pages, the largest blocks first, until `bytes` did.
void free_from_channels(std::size_t bytes) noexcept {
    std::size_t done = 0;
    std::byte* block = nullptr;
    for (unsigned cls = chunk_class_count; done < bytes && cls-- > 0;)
        while (done < bytes && channel_of(cls).get(kind_of(cls), &block, 1) != 0) {
            chunk_store::free(block);
            done += class_bytes(cls);
        }
}

// Some more than is asked for, up to a huge page: larger parts are cheaper to give back, and break none.
void make_room(std::size_t bytes) noexcept {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    bytes = std::max(bytes, std::min(budget.limit() / 64, huge_page));
    const std::size_t done = shared_store::purge(bytes, shared_store::few_refusals);
    if (done >= bytes) return;
    free_from_channels(bytes - done);
    shared_store::purge(bytes - done, shared_store::few_refusals);
}

// For what is idle whether there is room or not: then other idle memory goes, or the same by other means.
void force_in(std::size_t bytes) noexcept {
    if (bytes == 0) return;
    budget.force(bytes);
    if (budget.reserved() > budget.limit()) make_room(budget.reserved() - budget.limit());
}

// Claims by `claim(want)` with the reservations for all but the first made before, so that the budget holds.
template <class Claim>
found_blocks claim_reserved(unsigned cls, unsigned want, Claim claim) noexcept {
    const std::size_t bytes = class_bytes(cls);
    want = batch_from_chunks(cls, want);
    if (want > 1 && !budget.take((want - 1) * bytes)) want = 1;
    const claimed_blocks got = claim(want);
    const unsigned reserved = want - 1;
    const unsigned used = got.count == 0 ? 0 : got.count - 1;
    budget.give(got.warm_bytes + (reserved - used) * bytes);
    force_in(got.warmed_bytes);
    return {got.count, got.count * bytes - got.warm_bytes + got.warmed_bytes, used * bytes + got.warmed_bytes};
}

template <class Claim>
found_blocks from_chunks(unsigned cls, unsigned want, Claim claim) noexcept {
    const auto got = claim_reserved(cls, want, claim);
    if (got.count != 0) counters_of(cls).chunk_hits.add();
    return got;
}

// Blocks of the kind that a channel has most of, up to half of what it has more of them than of `kind`: so that it
// comes to hold what is passed on now, and not for long what was passed on before.
unsigned take_of_fullest(channel& from, unsigned kind, std::byte** out, unsigned n) noexcept {
    const unsigned ours = from.size(kind);
    unsigned fullest = kind, most = ours;
    for (unsigned other = 0; other < channel::kinds; ++other) {
        const unsigned size = from.size(other);
        if (size <= most) continue;
        fullest = other;
        most = size;
    }
    const unsigned excess = (most - ours) / 2;
    return excess != 0 ? from.get(fullest, out, std::min(n, excess)) : 0;
}

// Takes n blocks that a channel has no room for. The reservations of those that become free pages go with them.
void put_into_full(channel& to, unsigned kind, std::byte* const* items, unsigned n) noexcept {
    std::byte* others[channel::max_bound];
    const unsigned evicted = take_of_fullest(to, kind, others, std::min(n, channel::max_bound));
    const unsigned kept = evicted != 0 ? to.put(kind, items, n) : 0;
    chunk_store::free(items + kept, n - kept);
    chunk_store::free(others, evicted);
}

void age_channel(channel& from) noexcept {
    std::byte* items[channel::group_slots];
    for (unsigned g = 0; g < channel::max_groups; ++g) chunk_store::free(items, from.get_stale(g, items));
}

void put_large(block b) noexcept {
    if (large_store::shelve(b)) return;
    budget.give(b.capacity);
    large_store::unmap_block(b);
}

std::size_t purge_part(std::size_t bytes, std::size_t patience) noexcept {
    std::size_t done = chunk_store::purge(bytes, patience);
    if (done < bytes) done += large_store::purge(bytes - done);
    if (done < bytes) done += chunk_store::unmap_resident(bytes - done); // what is still there was refused
    budget.give(done);
    return done;
}

// False where no room could be made.
bool reserve(std::size_t bytes) noexcept {
    if (bytes > budget.limit()) return false;
    if (budget.take(bytes)) return true;
    make_room(bytes);
    return budget.take(bytes);
}

void drop(block b) noexcept {
    counters.dropped.add();
    if (b.capacity > chunk_size)
        large_store::unmap_block(b);
    else
        force_in(chunk_store::free_gone(b.data));
}

} // namespace

unsigned shared_store::get_passed_on(unsigned cls, std::byte** out, unsigned want) noexcept {
    const unsigned n = channel_of(cls).get(kind_of(cls), out, want);
    if (n == 0) return 0;
    budget.give(class_bytes(cls)); // of the first, which is about to be lent
    counters_of(cls).channel_hits.add();
    return n;
}

found_blocks shared_store::get(unsigned cls, std::byte** out, unsigned want) noexcept {
    if (const unsigned n = get_passed_on(cls, out, want)) return {n, 0};
    return from_chunks(cls, want, [=](unsigned n) { return chunk_store::claim(cls, out, n); });
}

found_blocks shared_store::get_resident(unsigned cls, std::byte** out, unsigned want) noexcept {
    return from_chunks(cls, want, [=](unsigned n) { return chunk_store::claim_resident(cls, out, n); });
}

found_blocks shared_store::get_long_resident(unsigned cls, std::byte** out, unsigned want) noexcept {
    return from_chunks(cls, want, [=](unsigned n) { return chunk_store::claim_long_resident(cls, out, n); });
}

found_blocks shared_store::get_least_gone(unsigned cls, std::byte** out) noexcept {
    if (chunk_store::is_sparse()) return {};
    return from_chunks(cls, 1, [=](unsigned) { return chunk_store::claim_least_gone(cls, out); });
}

found_blocks shared_store::get_near(unsigned cls, std::byte** out) noexcept {
    return from_chunks(cls, 1, [=](unsigned) { return chunk_store::claim_near(cls, out); });
}

found_blocks shared_store::get_new(unsigned cls, std::byte** out, unsigned want) noexcept {
    const auto got = claim_reserved(cls, want, [=](unsigned count) { return chunk_store::claim_new(cls, out, count); });
    if (got.count != 0) counters_of(cls).misses.add();
    return got;
}

block shared_store::get_large(std::size_t n) noexcept {
    const block b = large_store::take_idle(n);
    if (b.data == nullptr) return {};
    budget.give(b.capacity);
    counters.tiers[tier_count].channel_hits.add();
    return b;
}

block shared_store::get_new_large(std::size_t n) noexcept {
    const block b = large_store::map_new(n);
    if (b.data != nullptr) counters.tiers[tier_count].misses.add();
    return b;
}

void shared_store::put_reserved(unsigned cls, std::byte* const* items, unsigned n) noexcept {
    if (cls >= chunk_class_count) {
        for (unsigned i = 0; i < n; ++i) put_large({items[i], class_bytes(cls)});
        return;
    }
    channel& to = channel_of(cls);
    const unsigned kept = to.put(kind_of(cls), items, n);
    if (kept != n) put_into_full(to, kind_of(cls), items + kept, n - kept);
}

void shared_store::put(block b) noexcept {
    if (!reserve(b.capacity)) return drop(b);
    if (b.capacity > chunk_size) return put_large(b);
    put_reserved(class_of(b.capacity), &b.data, 1);
}

void shared_store::put_near(block b) noexcept {
    if (!reserve(b.capacity)) return drop(b);
    chunk_store::free_near(b.data);
}

void shared_store::put_idle(unsigned cls, std::byte* const* items, unsigned n) noexcept {
    if (cls >= chunk_class_count) return put_reserved(cls, items, n);
    chunk_store::free(items, n);
}

bool shared_store::put_pages(std::byte* const* items, unsigned n, unsigned wanted) noexcept {
    const unsigned longest = chunk_store::free(items, n);
    return longest >= wanted && longest != chunk::unlisted;
}

bool shared_store::split_from_channel(unsigned cls) noexcept {
    std::byte* larger = nullptr;
    for (unsigned c = cls + 1; c < chunk_class_count; ++c) {
        if (channel_of(c).get(kind_of(c), &larger, 1) == 0) continue;
        chunk_store::free(larger);
        return true;
    }
    return false;
}

// No more than there are now, here and below: who fills a channel meanwhile keeps nobody.
const std::byte* shared_store::restore_from_channels(unsigned cls) noexcept {
    std::byte* shorter = nullptr;
    for (unsigned c = cls; c-- > 0;)
        for (unsigned left = channel_of(c).size(kind_of(c)); left != 0; --left) {
            if (channel_of(c).get(kind_of(c), &shorter, 1) == 0) break;
            if (put_pages(&shorter, 1, cls)) return shorter;
        }
    return nullptr;
}

void shared_store::free_from_channels_beside(const std::byte* place, unsigned cls) noexcept {
    std::byte* items[channel::max_bound];
    for (unsigned c = cls; c-- > 0;) {
        channel& of = channel_of(c);
        const unsigned n = of.get(kind_of(c), items, channel::max_bound);
        std::byte** const beside =
            std::partition(items, items + n, [=](const std::byte* p) { return !share_chunk(p, place); });
        const auto others = static_cast<unsigned>(beside - items);
        const unsigned kept = of.put(kind_of(c), items, others);
        chunk_store::free(items + kept, n - kept); // what somebody has filled the place of meanwhile, too
    }
}

void shared_store::empty_channels() noexcept {
    std::byte* items[channel::max_bound];
    for (channel& from : channels)
        for (unsigned kind = 0; kind < channel::kinds; ++kind)
            chunk_store::free(items, from.get(kind, items, channel::max_bound));
}

// In parts, so that there is room for others' puts as it comes, though this thread may stop in the middle.
std::size_t shared_store::purge(std::size_t bytes, std::size_t patience) noexcept {
    const std::size_t part = std::max(budget.limit() / 16, chunk_size);
    std::size_t done = 0;
    while (done < bytes) {
        const std::size_t wanted = std::min(bytes - done, part);
        const std::size_t went = purge_part(wanted, patience);
        done += went;
        if (went < wanted) break;
    }
    return done;
}

std::size_t shared_store::unmap_free() noexcept {
    std::size_t done = chunk_store::unmap_free();
    done += large_store::purge(~std::size_t{0});
    budget.give(done);
    return done;
}

std::size_t shared_store::age(const ageing& how) noexcept {
    for (channel& from : channels) age_channel(from);
    const std::size_t went = chunk_store::age(how) + large_store::age(how);
    budget.give(went);
    return went;
}

std::size_t shared_store::drop_weak() noexcept {
    const std::size_t went = chunk_store::drop_weak() + large_store::drop_weak();
    budget.give(went);
    return went;
}

void shared_store::recount(std::size_t cached, std::size_t quarantined) noexcept {
    for (channel& c : channels) c.recover_slots();
    chunk_store::recount();
    large_store::recount();
    budget.set_reserved(cached + quarantined + channel_bytes() + counters.chunk_warm.get() +
                        counters.large_shelved.get());
}

std::size_t shared_store::channel_bytes(unsigned end) noexcept {
    std::size_t bytes = 0;
    for (unsigned cls = 0; cls < std::min(end, chunk_class_count); ++cls)
        bytes += channel_of(cls).size(kind_of(cls)) * class_bytes(cls);
    return bytes;
}

} // namespace synk::inline v1::detail
