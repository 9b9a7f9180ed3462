// How caches go from thread to thread, under every interleaving: one that a thread leaves is adopted by one other,
// while a third empties it; and no thread begins with the fast way open while it is shut for all.
//
// The source itself is compiled here, so that the worlds can play threads that begin and end.
#include "cache/thread_caches.cpp"

#include <cstring>
#include <new>

#include <gtest/gtest.h>

#include "channel/channels.hpp"
#include "explorer/mutants.hpp"
#include "explorer/small_system.hpp"

namespace {

using namespace synk::detail;
using synk_explorer::block_class;
using synk_explorer::block_pages;
using synk_explorer::equivalent;
using synk_explorer::payloads;
using synk_explorer::plain;
using synk_explorer::program;
using synk_explorer::program_of;
using synk_explorer::require;
using synk_explorer::small_system;

// A store from which two blocks are lent, and a membarrier of the explorer's.
struct prepared {
    system_calls calls;
    prepared() {
        static_cast<void>(synk_explorer::start());
        calls = os();
        calls.barrier = []() noexcept { return synk_explorer::membarrier(); };
        calls.advise = [](void* at, std::size_t size, advice) noexcept {
            std::memset(at, 0, size);
            return true;
        };
        the_system.store(&calls);
        asymmetric.store(true);
        this_thread_start.cache = &no_cache;
    }
    static std::byte* block(unsigned i) { return synk_explorer::start().block[8 + i]; }
};

void prepare() { static const prepared once; }

// A cache with room for two blocks, one of which lies in it.
struct caches_world {
    static constexpr unsigned threads = 3;
    static constexpr std::size_t bytes = block_pages * page_size;
    cache_record cache;
    plain<int> ready = 0;
    payloads<1> owner; // what only the cache's owner touches
    unsigned popped[threads] = {};
    unsigned adopters[threads] = {};

    caches_world() {
        new (&all_caches) cache_directory;
        next_look.store(0, memory_order_relaxed);
        slow_only.store(0, memory_order_relaxed);
        the_settings.set({});
        cache.set_up();
        cache.set_limit(block_class, 2);
        *(cache.row(block_class) - 1) = nullptr; // a world does not stand in zeroed memory
        cache.reserved.store(2 * bytes, memory_order_relaxed);
        budget.force(2 * bytes);
        static_cast<void>(cache.push(block_class, prepared::block(0)));
    }
    void enter(cache_record& c) {
        require(all_caches.enter(c), "there is room");
        if (c.reserved.load(memory_order_relaxed) != 0) all_caches.note_reserving(c, true);
    }
    static void use(const std::byte* block) { synk_explorer::pages.use(small_system::page_of(block), block_pages); }
    static void set(bool zero_on_get) {
        synk::options o;
        o.zero_on_get = zero_on_get;
        the_settings.set(o);
        thread_caches::follow_options();
    }
    // As the owner, in the fast way.
    void put(std::byte* block) {
        owner.use(0);
        use(block);
        bool kept = false;
        if (cache.gate.enter(bin_of(block_class))) {
            kept = cache.push(block_class, block);
            cache.gate.leave();
        }
        if (!kept) shared_store::put({block, bytes});
    }
    void end() {
        owner.use(0);
        end_thread(&cache);
    }
    void begin_and_get(unsigned self) {
        cache_record* const c = all_caches.take([](const cache_record&) {});
        if (c == nullptr) return;
        ++adopters[self];
        owner.use(0);
        if (!c->gate.enter_slow()) return;
        held_block b;
        const bool found = c->pop(block_class, b);
        c->gate.leave();
        if (!found) return;
        use(b.data);
        ++popped[self];
    }
    // Both blocks are in the cache, in the channel or with who got them; what is idle has its reservation, but for a
    // got block's room.
    void finish() {
        require(!cache.gate.held() && cache.gate.enter_slow(), "somebody stays behind the gate");
        const unsigned in_bin = cache.count(block_class);
        for (unsigned i = 0; i < in_bin; ++i) use(cache.row(block_class)[i]);
        const unsigned parked = cache.parked[block_class].load();
        for (unsigned i = 0; i < parked; ++i) use(cache.row(block_class)[slots_of(block_class) - 1 - i]);
        const std::size_t in_channel = channel_of(block_class).size(kind_of(block_class));
        require(in_bin + parked + in_channel + popped[0] + popped[1] + popped[2] == 2,
                "a block is lost, or there twice");
        require(cache.reserved.load() == (cache.limit(block_class) + parked) * bytes,
                "the cache's own account is wrong");
        require((all_caches.next_reserving(0) == &cache) == (cache.reserved.load() != 0),
                "who looks for what is reserved does not find the cache, or in vain");
        require(budget.reserved() == cache.reserved.load() + in_channel * bytes, "a reservation is lost, or nobody's");
    }
};

// Its owner ends; of two that begin one has it.
struct adopting : caches_world {
    adopting() { enter(cache); }
    void thread(unsigned i) {
        if (i != 0) return begin_and_get(i);
        put(prepared::block(1));
        end();
    }
    void finish() {
        if (all_caches.take([](const cache_record&) {}) != nullptr) ++adopters[0];
        require(adopters[0] + adopters[1] + adopters[2] == 1, "a cache that was left is nobody's, or two threads'");
        caches_world::finish();
    }
};

// And a third does something to it meanwhile.
template <auto Work>
struct disturbed : adopting {
    void thread(unsigned i) {
        if (i == 2)
            Work();
        else
            adopting::thread(i);
    }
};
using emptying = disturbed<&thread_caches::empty_others>;
using aged = disturbed<&thread_caches::age>;
// Only caches that rest are emptied; this one has served no get yet.
using emptying_resting = disturbed<[] { thread_caches::empty_resting(caches_world::bytes); }>;

// Its memory is given back when nobody has it, and it holds nothing.
using giving_back = disturbed<[] { thread_caches::give_back_emptied(1); }>;

// A record is found as its maker left it; two are made at the same time.
struct publishing : caches_world {
    cache_record other;
    plain<int> other_ready = 0;
    unsigned seen = 0;
    void thread(unsigned i) {
        if (i == 0) ready = 1, enter(cache);
        if (i == 1) other_ready = 1, enter(other);
        if (i == 2) look();
    }
    void look() {
        all_caches.each([this](const cache_record& c) {
            require((&c == &cache ? ready : other_ready) == 1, "a record is found before it is made");
        });
    }
    void finish() {
        all_caches.each([this](const cache_record&) { ++seen; });
        require(seen == 2, "a record is lost");
    }
};

// An option that no get may miss is switched while a thread begins, with a new cache or with one that is there.
template <bool On, bool Adopted>
struct switching : caches_world {
    static constexpr unsigned threads = 2;
    switching() {
        slow_only.store(On ? 0 : 1, memory_order_relaxed);
        if (Adopted) {
            enter(cache);
            cache.gate.set_slow_only(!On);
        }
    }
    void thread(unsigned i) {
        if (i == 1) return set(On);
        if (!Adopted) enter(cache);
        follow_slow_only(cache);
    }
    void finish() {
        const bool fast = cache.gate.enter(1);
        require(fast || On, "a cache stays slow for ever");
        require(!fast || !On, "a thread begins past an option that no get may miss");
    }
};

// Two threads change that option at the same time: what is in force in the end, no get misses, be its cache there or
// new.
template <bool Before, bool Listed>
struct switching_twice : caches_world {
    static constexpr unsigned threads = 2;
    switching_twice() {
        if (Listed) enter(cache);
        set(Before);
    }
    static void thread(unsigned i) { set(i == 0); }
    void finish() {
        if (!Listed) {
            enter(cache);
            follow_slow_only(cache);
        }
        require(cache.gate.enter(1) != the_settings.no_hits(), "a cache does not follow the options");
    }
};

const std::vector<program> worlds{program_of<adopting>("caches_adopting"),
                                  program_of<emptying>("caches_emptying"),
                                  program_of<emptying_resting>("caches_emptying_resting"),
                                  program_of<aged>("caches_aged"),
                                  program_of<giving_back>("caches_giving_back"),
                                  program_of<publishing>("caches_publishing"),
                                  program_of<switching<true, false>>("caches_slow_new"),
                                  program_of<switching<true, true>>("caches_slow_adopted"),
                                  program_of<switching<false, false>>("caches_fast_new"),
                                  program_of<switching<false, true>>("caches_fast_adopted"),
                                  program_of<switching_twice<true, true>>("caches_switched_from_slow"),
                                  program_of<switching_twice<false, true>>("caches_switched_from_fast"),
                                  program_of<switching_twice<true, false>>("caches_none_switched_from_slow"),
                                  program_of<switching_twice<false, false>>("caches_none_switched_from_fast")};

TEST(ThreadCaches, KeepTheirPromises) {
    prepare();
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 1}), "");
}

TEST(ThreadCaches, MutantsAreFound) {
    prepare();
    const std::vector<equivalent> listed{
        {"phase.store(thread_phase::ended", "dropped",
         "not seen here: a thread's own, which the worlds' threads share"},
        {"thread_count.fetch_sub(", "split", "not seen here: by how many what is lent is divided, when one looks"},
        {"thread_count.fetch_sub(", "dropped", "not seen here: as above; promises/few_lengths_test.cpp"},
        {"c.hits_at_look.exchange(", "split", "equivalent: a guess which cache to look into; nothing is handed over"},
        {"c.hits_at_look.exchange(", "dropped", "equivalent: as above"},
        {"next_look.store(from", "dropped", "equivalent: the next call begins where this one did"},
        {"setup.load(memory_order_acquire) == setup_state::done &&", "relaxed",
         "not seen here: it is set up before any world begins"},
    };
    EXPECT_EQ(survivors(worlds, "cache/thread_caches.cpp", listed), "");
    EXPECT_EQ(survivors(worlds, "cache/cache_directory.hpp", {}), "");
    EXPECT_EQ(survivors(worlds, "cache/cache_directory.cpp", {}), "");
}

} // namespace
