// The shelf of large blocks under every interleaving: a block is lent, on the shelf or with whoever ages it, never two
// of these; and in the end it is where the books say.
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/settings.hpp"
#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"
#include "large/large_store.hpp"
#include "pages/system.hpp"
#include "stats/counters.hpp"

namespace {

using namespace synk_explorer;
using synk::detail::advice;
using synk::detail::ageing;
using synk::detail::block;
using synk::detail::chunk_size;
using synk::detail::counters;
using synk::detail::large_store;
using synk::detail::linux_calls;

constexpr std::size_t large = chunk_size + chunk_size / 4; // the first class above the chunks'
constexpr unsigned places = 3;
payloads<places> contents;

// A system with room for three large blocks.
class roomy_system {
public:
    roomy_system() {
        memory_ = static_cast<std::byte*>(std::aligned_alloc(chunk_size, places * stride_));
        calls_ = linux_calls;
        calls_.map = map;
        calls_.unmap = unmap;
        calls_.advise = advise;
        synk::detail::the_system.store(&calls_);
    }
    static unsigned number(const void* at) {
        return static_cast<unsigned>((static_cast<const std::byte*>(at) - memory_) / std::ptrdiff_t{stride_});
    }
    static std::size_t mapped() {
        std::size_t count = 0;
        for (const auto& m : mapped_)
            if (m.load()) ++count;
        return count;
    }

private:
    static constexpr std::size_t stride_ = 2 * chunk_size;

    // acq_rel: the kernel's lock.
    static void* map(std::size_t size, bool accessible, void* wish) noexcept {
        if (size != large) return linux_calls.map(size, accessible, wish); // records
        for (unsigned i = 0; i < places; ++i)
            if (!mapped_[i].exchange(true, std::memory_order_acq_rel)) return memory_ + i * stride_;
        return nullptr;
    }
    static bool unmap(void* at, std::size_t /*size*/) noexcept {
        contents.use(number(at));
        mapped_[number(at)].store(false, std::memory_order_release);
        return true;
    }
    static bool advise(void* at, std::size_t /*size*/, advice /*what*/) noexcept {
        contents.use(number(at));
        return true;
    }

    static inline std::byte* memory_;
    static inline synk::detail::atomic<bool> mapped_[places];
    static inline synk::detail::system_calls calls_;
};

constexpr ageing a_visit(std::uint64_t now) { return {now, 1000, true}; }

// The state that every schedule starts from: two blocks on the shelf, one that a visit has seen and one that is weak.
struct prepared {
    roomy_system system;
    prepared() {
        synk::options o;
        o.huge = synk::huge_pages::off;
        synk::detail::the_settings.set(o);
        const block first = map_new(), second = map_new();
        const block third = map_new(); // so that the address map has its tables
        shelve(first);
        large_store::age(a_visit(1));
        large_store::age(a_visit(2));
        shelve(second);
        large_store::age(a_visit(3));
        large_store::unmap_block(third);
    }
    static block map_new() {
        const block b = large_store::map_new(large);
        if (b.data == nullptr) std::abort();
        return b;
    }
    static void shelve(block b) {
        if (!large_store::shelve(b)) std::abort();
    }
};

void prepare() { static const prepared once; }

struct shelf_world {
    static constexpr unsigned threads = 3;
    std::size_t held[threads]{};

    bool hold(unsigned self, block b) {
        if (b.data == nullptr) return false;
        contents.use(roomy_system::number(b.data));
        held[self] += b.capacity;
        return true;
    }
    block take(unsigned self) {
        const block b = large_store::take_idle(large);
        hold(self, b);
        return b;
    }
    void put(unsigned self, block b) {
        if (b.data == nullptr) return;
        contents.use(roomy_system::number(b.data));
        held[self] -= b.capacity;
        require(large_store::shelve(b), "the shelf has room");
    }
    // What is mapped is held or on the shelf, and all that is on it is found.
    void finish() {
        const std::size_t lent = held[0] + held[1] + held[2];
        require(counters.large_mapped.get() == roomy_system::mapped() * large, "the count of mapped bytes is wrong");
        require(counters.large_shelved.get() + lent == roomy_system::mapped() * large,
                "the count of idle bytes is wrong");
        std::size_t found = 0;
        while (large_store::take_idle(large).data != nullptr) found += large;
        require(found + lent == roomy_system::mapped() * large, "a block is lost, or there twice");
        require(counters.large_shelved.get() == 0 && counters.large_weak.get() == 0, "a count of idle bytes is wrong");
    }
};

// Two want a block and put it back or keep it, while a visit makes one weak.
struct visit : shelf_world {
    void thread(unsigned i) {
        if (i == 0) put(0, take(0));
        if (i == 1) take(1);
        if (i == 2) large_store::age(a_visit(4));
    }
};

// Everything has been calm for so long that it goes.
struct trim : shelf_world {
    void thread(unsigned i) {
        if (i == 0) put(0, take(0));
        if (i == 1) large_store::purge(large);
        if (i == 2) large_store::age(a_visit(5000));
    }
};

// Records and addresses come back at once for another block.
struct reuse : shelf_world {
    void thread(unsigned i) {
        if (i == 0) large_store::drop_weak();
        if (i == 1) hold(1, large_store::map_new(large));
        if (i == 2) put(2, take(2));
    }
};

// A block's age begins when it is shelved and a visit sees it: then it is weak after one more, and gone after long.
struct ages : shelf_world {
    static constexpr unsigned threads = 1;
    void thread(unsigned) {
        put(0, take(0)); // the first, which was weak
        require(large_store::age(a_visit(5000)) == large, "not just the second goes");
        require(counters.large_weak.get() == 0, "a block is weak that was used just now");
        require(large_store::age(a_visit(5001)) == 0 && counters.large_weak.get() == large,
                "a quiet block is not weak");
        require(large_store::age(a_visit(7000)) == large, "a calm block stays");
    }
};

const std::vector<program> worlds{program_of<ages>("shelf_ages"), program_of<visit>("shelf_visit"),
                                  program_of<trim>("shelf_trim"), program_of<reuse>("shelf_reuse")};

TEST(Shelf, KeepsItsPromises) {
    prepare();
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 1}), "");
}

TEST(Shelf, MutantsAreFound) {
    prepare();
    constexpr auto guess =
        "not seen here: a guess until the record is taken, but for the making of the record, which is "
        "no step of the explorer's";
    const std::vector<equivalent> listed{
        {"const large_block* const l = shelf[i].load(", "relaxed", guess},
        {"large_block* const seen = shelf[i].load(", "relaxed", guess},
        {"if (l.weak.exchange(false", "split", "equivalent: only the block's owner comes here"},
        {"if (l.idle.exchange(true", "split", "not seen here: nobody puts a block twice, as misuse/handle_test does"},
        {"if (l.idle.exchange(true", "dropped", "as above"},
        {"if (seen->calm_since.compare_exchange_strong(", "split", "equivalent: either visit's time will do"},
        {"next_discarded.store(", "dropped", "not seen here: what goes first is told by promises/large_test"},
    };
    EXPECT_EQ(survivors(worlds, "large/large_store.cpp", listed), "");
}

} // namespace
