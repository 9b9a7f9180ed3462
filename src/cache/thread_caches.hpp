// The caches of all threads: made at a thread's first use of the pool, handed on at its end, emptied by
// others when they need what lies in them.
#pragma once

#include <cstddef>
#include <optional>

#include <synk/detail/thread_cache.hpp>

namespace synk::inline v1::detail {

// A thread's cache with what the others need of it. Records are never unmapped: who finds one (cache_directory.hpp) may
// look at it at any time without protection.
//
// Parking tells exactly which blocks of a bin are not needed: at each visit the keeper moves all blocks of a bin to
// the far end of its slots, where no hit finds them. The owner's next get takes half of them back; what is still
// parked at the next visit has been idle since, and goes to the shared store.
//     slots:  [ count blocks | ... free ... | parked blocks ]    count <= limit, limit + parked <= slots_of
struct cache_record : thread_cache {
    atomic<std::size_t> reserved{0}; // bytes: the sum of (limit + parked) * pages; written behind the gate
    atomic<std::uint16_t> parked[cached_class_count] = {}; // written behind the gate
    std::uint32_t seen_hits[cached_class_count] = {};      // of the keeper's last visit; behind the gate
    std::uint32_t misses[cached_class_count] = {};         // gets that found the bin empty; the owner's
    std::uint32_t gets_at_spill[cached_class_count] = {};  // when the bin last ran over; the owner's
    std::uint32_t hits_at_stow[cached_class_count] = {};   // when the bin was last filled by stow(); behind the gate
    std::uint16_t stowed[cached_class_count] = {};         // blocks that it was filled with; behind the gate
    std::uint32_t spills[cached_class_count] = {};         // in a row, without a get; the owner's
    std::uint32_t brought_in[cached_class_count] = {};     // see raise_limit(); behind the gate
    std::size_t not_put = 0;                               // bytes: see own_use; behind the gate
    atomic<std::uint64_t> hits_at_look{0}; // of all bins, when another thread last looked whether this one rests
    bool cut_off[cached_class_count] = {}; // see note_cut_off(); the owner's
    std::uint32_t puts_in_a_row = 0;       // see put_bias; the owner's, inside its gate
    unsigned missed_gets = 0;              // these two: see few_lengths.cpp; the owner's
    unsigned looks_in_favour = 0;
    bool uses_rarely = true; // these five: see rare_use.cpp; the owner's
    unsigned slow_uses = 0;
    unsigned next_look = 0; // after so many slow uses
    std::uint64_t hits_at_measure = 0;
    std::uint64_t measured_at = 0;        // ns of its processor time, 0: it is not measured now
    unsigned evictions = 0;               // see growth.hpp; the owner's
    unsigned put_together_when_due = 0;   // likewise: a class
    std::size_t overpaid = 0;             // these two: see growth.hpp; the owner's
    unsigned gathers_first = 0;           // so many misses
    atomic<const void*> at_work{nullptr}; // the thread that empties or ages it, or null; see caches_after_fork
    unsigned number = 0;                  // in the directory; written before the record is published there

    // From behind the gate: `reserved` is so much from now on. Who makes or gives back the reservation is the caller.
    void set_reserved(std::size_t bytes) noexcept;

    // A thread comes to own it: what the one before it did is not this one's past.
    void begin() noexcept {
        missed_gets = looks_in_favour = evictions = put_together_when_due = gathers_first = 0;
        uses_rarely = true;
        measured_at = 0;
        overpaid = 0;
        for (bool& cut : cut_off) cut = false;
        if (!gate.enter_slow()) return; // the keeper is there: it halves the rest at each visit
        not_put = 0;
        gate.leave();
    }
};

// While one lives, the calling thread has blocks or numbers of the pool in its hands. A signal handler that forks then
// has interrupted it, and the child goes on with them: thread_caches::interrupted_by_fork().
class own_work {
public:
    own_work() noexcept {
        ++depth;
        compiler_barrier();
    }
    ~own_work() {
        compiler_barrier();
        --depth;
    }
    own_work(const own_work&) = delete;
    own_work& operator=(const own_work&) = delete;

    [[nodiscard]] static bool under_way() noexcept { return depth != 0; }

private:
    [[gnu::tls_model("initial-exec")]] static constinit thread_local unsigned depth;
};

// What may leave a bin at a time.
inline constexpr unsigned most_spilled = 256;

class thread_caches {
public:
    // The calling thread's cache, made at the first call. Null when the thread has ended its use of the pool
    // (it is past its destructors), when there is no memory, and when called again while it is being made:
    // the caller then goes to the shared store.
    [[nodiscard]] static cache_record* own() noexcept;

    // Where in `memory`, a page more than a cache needs, the cache of a thread had best lie whose hits begin here: so
    // that loads do not wait for stores that only look like their own.
    [[nodiscard]] static std::byte* place_in(std::byte* memory, const hit_start& start) noexcept;

    // Runs work(cache_record&) behind the gate of the thread's own cache; false when there is none or it is closed.
    template <class Work>
    static bool behind_own_gate(Work work) noexcept {
        cache_record* const c = own();
        if (c == nullptr || !c->gate.enter_slow()) return false;
        work(*c);
        c->gate.leave();
        return true;
    }

    // Reads the options from the environment and sets up what caches need, once. False while another thread does.
    static bool set_up() noexcept;

    // Blocks of one class that leave a bin. The first `reserved` of them come with their reservations.
    struct spill {
        unsigned count = 0;
        unsigned reserved = 0;
        std::byte* items[most_spilled];
    };
    // From behind the gate: takes a block into its bin, by more room or a spill where that is full; that of a thread
    // which only puts may be among what it spills. False: without room in the budget there may be no place for it.
    [[nodiscard]] static bool keep(cache_record& c, unsigned cls, std::byte* data, spill& out) noexcept;

    // From behind the gate: takes up to n of the blocks that were put first out of a bin. They come without
    // reservation, what the bin has reserved stays with it.
    [[nodiscard]] static unsigned take_oldest(cache_record& c, unsigned cls, std::byte** out, unsigned n) noexcept;
    // The same with their reservations; of those that lie in the chunk of this place and are not parked.
    [[nodiscard]] static unsigned take_reserved(cache_record& c, unsigned cls, std::byte** out, unsigned n) noexcept;
    [[nodiscard]] static unsigned take_beside(cache_record& c, unsigned cls, const std::byte* place, std::byte** out,
                                              unsigned n) noexcept;
    // From behind the gate: adds blocks that come with their reservations; returns how many found a place.
    [[nodiscard]] static unsigned stow(cache_record& c, unsigned cls, std::byte* const* items, unsigned n) noexcept;

    // From behind the gate: all blocks go to the shared store, all reservations back to the budget; but not those of
    // the bin that its owner is in, if any.
    static void empty_all_but(cache_record& c, unsigned in_use) noexcept;
    // The same of its blocks of more than 64 KiB that are not large.
    static void empty_of_long(cache_record& c) noexcept;
    static void empty(cache_record& c) noexcept { empty_all_but(c, gate_hold::no_part); }

    // The owner, on its slow paths: somebody wanted its blocks while it was inside, here they are. While somebody else
    // is behind the gate, next time.
    static void grant_wish(cache_record& c) noexcept {
        if (c.gate.take_wish() && !behind_own_gate(empty)) c.gate.ask();
    }

    // The owner: whether there is anything in a bin, parked or not. While another thread is behind the gate, a guess.
    [[nodiscard]] static bool has_any(const cache_record& c, unsigned cls) noexcept {
        return cls < cached_class_count && (c.count(cls) != 0 || c.parked[cls].load(memory_order_relaxed) != 0);
    }
    // From behind the gate: takes half of what is parked in a bin, at least a block, back into use. False when
    // nothing is parked there.
    static bool unpark(cache_record& c, unsigned cls) noexcept;

    // The owner, after a miss: whether its cache has reserved nothing for a class, and a block of it that is got now
    // will come back, as far as one can tell: the thread has put one since the last that was noted here. Of some
    // misses, one is told so.
    [[nodiscard]] static bool lacks(cache_record& c, unsigned cls) noexcept;
    static void note_cut_off(cache_record& c, unsigned cls) noexcept { c.cut_off[cls] = true; }

    // From behind the gate: a get that the cache could not serve has brought in so many blocks, of which one is lent.
    static void note_brought_in(cache_record& c, unsigned cls, unsigned n) noexcept {
        if (cls >= cached_class_count) return;
        c.brought_in[cls] += n;
        c.not_put += class_bytes(cls);
    }

    // From behind the gate: nothing that it has not put, and no long block that it has brought in, counts any more.
    static void forget_what_came(cache_record& c) noexcept;

    // What the calling thread has, in bytes, as far as it puts itself what it gets.
    struct own_use {
        std::size_t room;    // of more than 64 KiB: that its bins reserve and do not hold: what hits got, or puts made
        std::size_t not_put; // what misses brought lately and no put has made room for; each visit of the keeper to a
                             // cache that reserves anything halves it
    };
    // None where somebody else is behind the gate.
    [[nodiscard]] static std::optional<own_use> in_own_use() noexcept;

    // How many of its gets of such blocks were hits. The owner.
    [[nodiscard]] static std::uint64_t long_hits(const cache_record& c) noexcept;

    // From behind the gate: the last hit of a bin was for a get of another class, and counts as that one's.
    static void count_hit_for(cache_record& c, unsigned asked, unsigned found) noexcept;

    // From behind the gate: what was parked goes to the shared store, what lies in the bins is parked; likewise.
    static void age_all_but(cache_record& c, unsigned in_use) noexcept;

    // From behind the gate: what lies in this bin is lost, its reservations go back to the budget. For the bin that a
    // thread was in which a fork left behind: nobody knows how far its get or put had come.
    static void abandon_bin(cache_record& c, unsigned number) noexcept;

    // The keeper's visit: what was parked at the last one goes to the shared store, what lies in the bins is
    // parked. What their owners are at work on at this moment is left for the next visit.
    static void age() noexcept;

    // Empties the caches of all other threads, but for what their owners are at work on at this moment; asks those.
    // False: there was such a one, or a third thread was at it.
    static bool empty_others() noexcept;

    // Empties caches of threads that do not run, as far as one can tell from their hits, until they have given up
    // `bytes`, or a few were looked at. The next call goes on behind them.
    static void empty_resting(std::size_t bytes) noexcept;

    // The memory of up to `most` caches that hold nothing any more goes back: there are as many caches as threads ever
    // were alive at a time, each has up to 390 KiB, and what is idle does not count it.
    static void give_back_emptied(unsigned most) noexcept;

    // Asks the calling thread to hand over its cache at its next get or put, which so goes the slow way.
    static void ask_own() noexcept;

    // In the child of a fork: whether a signal handler forked in the middle of our own thread's work.
    [[nodiscard]] static bool interrupted_by_fork() noexcept;

    // Every running thread of the process passes a full barrier before this returns, where fast ways in need that.
    // False: it was refused.
    static bool barrier() noexcept;

    // Threads that have one: a recent value, at least 1.
    [[nodiscard]] static unsigned threads() noexcept;
    // Bytes in all caches, of classes below `end`: a recent value; and a quick upper bound of it.
    [[nodiscard]] static std::size_t idle_bytes(unsigned end = cached_class_count) noexcept;
    [[nodiscard]] static std::size_t reserved_bytes() noexcept;
    // Gets served by the caches, by class: recent values.
    struct class_hits {
        std::uint64_t of[cached_class_count] = {};
    };
    [[nodiscard]] static class_hits hits() noexcept;

    // Whether a fork, here or in a parent, found memory of the pool: pages may be shared with another process, and the
    // system keeps those whatever it was told.
    [[nodiscard]] static bool forked() noexcept;

    // Every get and put of every thread takes the slow way from now on, or no longer, as the options in force want it.
    static void follow_options() noexcept;

private:
    static bool pass_on(cache_record& c, unsigned cls, std::byte* data, spill& out) noexcept;
    static void spill_oldest(cache_record& c, unsigned cls, spill& out) noexcept;
};

} // namespace synk::inline v1::detail
