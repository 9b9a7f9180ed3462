// A system that refuses its n-th call, for every n: a mixed piece of work goes on or says "no memory", whatever it was,
// and nothing is lost or booked twice.

#include <new>

#include "reclaim/idle_pool.hpp"
#include "support/pattern.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class failing_system : public idle_pool {
protected:
    static constexpr std::size_t sizes[] = {1,       4 * kib, 20 * kib, 64 * kib, 500 * kib,
                                            3 * mib, 4 * mib, 5 * mib,  40 * mib, 200 * mib};

    // A refused get leaves an empty handle.
    static synk::bytes try_get(std::size_t n) {
        synk::bytes b = synk::get_sized_pool().try_get_sized(n);
        if (b) watched_system::lent(b.data(), b.capacity());
        if (b) fill({b.data(), kib}, n);
        return b;
    }
    static void check_and_put(synk::bytes b, std::size_t n) {
        if (!b) return;
        EXPECT_EQ(first_broken({b.data(), kib}, n), intact);
        put(std::move(b));
    }

    static void use_every_size() {
        std::vector<synk::bytes> held;
        for (const std::size_t n : sizes) held.push_back(try_get(n));
        for (std::size_t i = 0; i < held.size(); ++i) check_and_put(std::move(held[i]), sizes[i]);
    }

    // Growing leaves the buffer as it was when it is refused.
    static void grow() {
        synk::bytes b = try_get(5 * mib);
        if (!b) return;
        const std::size_t before = b.capacity();
        watched_system::put(b.data());
        try {
            b.reserve(24 * mib);
        } catch (const std::bad_alloc&) {
            EXPECT_EQ(b.capacity(), before);
        }
        watched_system::lent(b.data(), b.capacity());
        check_and_put(std::move(b), 5 * mib);
    }

    static void mixed_work() {
        use_every_size();
        worker other;
        other.run([] { use_every_size(); });
        visits(3);
        use_every_size();
        grow();
        synk::trim(1 * mib);
        visits(25);
        use_every_size();
        visits(4);
        synk::detail::shared_store::drop_weak(); // as before a fork
        use_every_size();
    }
};

TEST_F(failing_system, at_every_call) {
    std::size_t n = 0;
    do {
        SCOPED_TRACE(testing::Message() << "call " << n + 1);
        watched_system::refuse_call(++n);
        mixed_work();
        const bool refused = watched_system::call_refused();
        watched_system::refuse_call(0);
        expect_truthful_stats();
        synk::trim();
        EXPECT_EQ(synk::stats().idle, 0U);
        EXPECT_EQ(synk::detail::budget.reserved(), 0U);
        EXPECT_EQ(synk::stats().lent, 0U) << "a block is lost";
        synk::detail::shared_store::unmap_free();
        if (HasFailure() || !refused) break;
    } while (n < 10'000);
    EXPECT_GT(n, 30U) << "the work has hardly called the system";
    EXPECT_LT(n, 10'000U);
}

} // namespace
