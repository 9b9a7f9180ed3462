// The bias by which a thread takes back what it lent as bare pointers: as a core, by threads that run at once, and in
// the pool. What it says under every interleaving: tests/explorer, and at every step of a put: tests/faults.
#include <synk/detail/put_bias.hpp>

#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "cache/thread_caches.hpp"
#include "chunks/address_map.hpp"
#include "chunks/chunk.hpp"
#include "pages/system.hpp"
#include "support/effort.hpp"
#include "support/no_ageing.hpp"
#include "support/threads.hpp"
#include "support/units.hpp"

namespace {

using namespace synk::detail;
using synk_test::worker;

// ---- As a core ----

bool barrier_of_others() { return SYNK_TSAN || os().barrier(); }

// An owner and two others who put the same pages. Some are nobody's to begin with, and the owner takes the bias back
// all the time.
class contest {
public:
    static constexpr unsigned pages = 64;
    static constexpr unsigned threads = 3;

    contest() { bias_.begin(1); }

    void run(std::size_t rounds) {
        std::barrier together(threads);
        synk_test::run_threads(threads, [&](unsigned self) {
            for (std::size_t round = 0; round < rounds; ++round) {
                if (self == 0) lend_all();
                together.arrive_and_wait();
                for (unsigned i = 0; i < pages; ++i) {
                    const unsigned page = (i + static_cast<unsigned>(round) * self) % pages;
                    if (self == 0 ? owner_takes(page) : another_takes(page)) taken_[page].fetch_add(1);
                }
                together.arrive_and_wait();
                if (self == 0) count();
            }
        });
    }

    std::uint64_t twice = 0;    // taken
    std::uint64_t by_owner = 0; // from inside its gate
    std::uint64_t by_none = 0;  // all were told

private:
    static constexpr std::uint32_t idle = 0x10001;
    static constexpr std::uint32_t nobodys = put_bias::mark_of(put_bias::nobody);

    static const void* address(unsigned page) {
        return reinterpret_cast<const void*>((std::uintptr_t{page} + 1) * page_size);
    }

    void lend_all() {
        for (unsigned page = 0; page < pages; ++page)
            record_[page].store(idle + (page % 11 == 0 ? nobodys : bias_.mark()), std::memory_order_relaxed);
    }
    bool owner_takes(unsigned page) {
        EXPECT_TRUE(gate_.enter(1, address(page)));
        const put_bias::view seen = bias_.look();
        const bool took = seen.nobodys_come_first() ? bias_.take_own_or_nobodys(record_[page], idle, in_a_row_)
                                                    : seen.take(record_[page], idle);
        bias_.take_back();
        gate_.leave();
        if (took) ++by_owner;
        return took || taken_slowly(page, 1);
    }
    bool another_takes(unsigned page) { return taken_slowly(page, 0); }
    // As src/pools/bare_pointers.cpp does it; 1: the owner.
    bool taken_slowly(unsigned page, unsigned self) {
        std::uint32_t lent = record_[page].load(std::memory_order_relaxed);
        const unsigned lender = put_bias::lender_in(lent);
        if (lender == put_bias::being_taken || lent == idle) return false;
        if (lender != self && self != 0) bias_.expect_others();
        return lender == put_bias::nobody || lender == self
                   ? put_bias::swap(record_[page], lent, idle)
                   : bias_.take_another(record_[page], lent, idle, gate_, address(page), barrier_of_others);
    }
    void count() {
        for (auto& t : taken_) {
            const unsigned n = t.exchange(0);
            twice += n > 1 ? 1U : 0U;
            by_none += n == 0 ? 1U : 0U;
        }
    }

    cache_gate gate_;
    put_bias bias_;
    std::uint32_t in_a_row_ = 0;
    std::atomic<std::uint32_t> record_[pages];
    std::atomic<unsigned> taken_[pages] = {};
};

TEST(PutBias, OfAllWhoPutAPageAtOnceAtMostOneSucceeds) {
    if (!SYNK_TSAN && !os().register_barrier()) GTEST_SKIP() << "the system refuses membarrier";
    contest c;
    c.run(synk_test::effort(20'000));
    EXPECT_EQ(c.twice, 0U);
    EXPECT_NE(c.by_owner, 0U) << "the owner never came first";
    std::printf("the owner took %llu of them, all were told of %llu\n", static_cast<unsigned long long>(c.by_owner),
                static_cast<unsigned long long>(c.by_none));
}

// ---- In the pool ----

constexpr std::size_t size = 5000;

void* lend() { return synk::get_sized_pool().allocate(size); }
void put(void* p) { synk::get_sized_pool().deallocate(p, size); }

unsigned lender_of_record(void* p) {
    const chunk* const c = places.find(p).as_chunk();
    return put_bias::lender_in(c->record_at(c->page_of(p)).value());
}

class PutBiasInThePool : public testing::Test {
protected:
    void SetUp() override {
        put(lend());
        cache_gate& own = thread_caches::own()->gate;
        if (!own.enter(1)) GTEST_SKIP() << "there is no fast way: tools see each get and put, or membarrier is refused";
        own.leave();
    }
};

TEST_F(PutBiasInThePool, AThreadLendsInItsName) {
    worker one, other;
    void* p = nullptr;
    void* q = nullptr;
    one.run([&] { p = lend(); });
    other.run([&] { q = lend(); });
    EXPECT_NE(lender_of_record(p), put_bias::nobody);
    EXPECT_NE(lender_of_record(q), put_bias::nobody);
    EXPECT_NE(lender_of_record(p), lender_of_record(q));
    one.run([&] { put(p), p = lend(); });
    EXPECT_NE(lender_of_record(p), put_bias::nobody) << "its own puts change nothing";
    one.run([&] { put(p); });
    other.run([&] { put(q); });
}

TEST_F(PutBiasInThePool, UntilAnotherPutsOneAndAgainAfterManyPutsOfItsOwn) {
    worker one, other;
    void* p = nullptr;
    one.run([&] { p = lend(); });
    const unsigned name = lender_of_record(p);
    ASSERT_NE(name, put_bias::nobody);
    unsigned least = 0;
    for (int times = 0; times < 3; ++times) {
        other.run([&] { put(p); });
        one.run([&] { p = lend(); });
        EXPECT_EQ(lender_of_record(p), put_bias::nobody);
        unsigned puts = 0;
        one.run([&] {
            for (; lender_of_record(p) == put_bias::nobody && puts < 10'000; ++puts) put(p), p = lend();
        });
        EXPECT_EQ(lender_of_record(p), name);
        EXPECT_GT(puts, least) << "each time it takes more";
        least = puts;
    }
    EXPECT_GT(least, 500U) << "a withdrawal costs as much as some hundred puts";
    one.run([&] { put(p); });
}

// By turns, in any number, with what others lent: each is found.
TEST_F(PutBiasInThePool, AThreadPutsItsOwnAndOthersByTurns) {
    worker one, other;
    for (unsigned own = 0; own < 20; ++own) {
        void* p = nullptr;
        other.run([&] { p = lend(); });
        one.run([&] {
            put(p);
            for (unsigned i = 0; i < own; ++i) put(lend());
        });
    }
    EXPECT_EQ(synk::stats().lent, 0U);
}

// As a filter of system calls may do that a program sets up late.
TEST_F(PutBiasInThePool, ARefusedBarrierFailsNoPutAndLeavesErrno) {
    const system_calls& before = os();
    static system_calls refusing;
    refusing = before;
    refusing.barrier = []() noexcept {
        errno = EPERM;
        return false;
    };
    worker one, other;
    void* p = nullptr;
    int left = 0;
    one.run([&] { p = lend(); });
    the_system.store(&refusing);
    other.run([&] {
        errno = ERANGE;
        put(p);
        left = errno;
    });
    the_system.store(&before);
    EXPECT_EQ(left, ERANGE);
    EXPECT_EQ(synk::stats().lent, 0U);
}

// More threads at once than names: what the last ones lend is put like any other.
TEST_F(PutBiasInThePool, ThreadsWithoutANameLendAsNobody) {
    std::vector<std::unique_ptr<worker>> workers;
    std::vector<void*> lent;
    for (unsigned i = 0; i < put_bias::most_lenders + 4; ++i) {
        workers.push_back(std::make_unique<worker>());
        workers.back()->run([&] { lent.push_back(lend()); });
    }
    EXPECT_EQ(lender_of_record(lent.back()), put_bias::nobody);
    workers.back()->run([&] {
        for (int i = 0; i < 1000; ++i) put(lent.back()), lent.back() = lend();
    });
    EXPECT_EQ(lender_of_record(lent.back()), put_bias::nobody);
    const std::size_t before = synk::stats().lent;
    for (void* const p : lent) put(p);
    EXPECT_EQ(before - synk::stats().lent, lent.size() * class_bytes(class_of(size)));
}

} // namespace
