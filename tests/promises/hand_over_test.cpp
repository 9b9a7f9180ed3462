// One thread gets and another puts, block by block, of all sizes in turn: what is on its way between them is all that
// there ever is, so nothing is dropped for want of room, nothing goes to the system, and no cache fattens.
#include <vector>

#include <gtest/gtest.h>

#include <synk/pool.hpp>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

class HandOver : public fresh_pool {
protected:
    // One block of every class that chunks serve, one after the other.
    static void pass_one_of_each(worker& getter) {
        for (unsigned cls = 0; cls < inside::chunk_class_count; ++cls) {
            synk::bytes b;
            getter.run([&b, cls] { b = synk::get_sized_pool().get_sized(inside::class_bytes(cls)); });
            b.reset();
        }
    }
    static void expect_nothing_given_up(std::size_t rounds) {
        worker getter;
        for (std::size_t i = 0; i < rounds; ++i) pass_one_of_each(getter);
        const synk::statistics warm = synk::stats();
        for (std::size_t i = 0; i < rounds; ++i) pass_one_of_each(getter);
        const synk::statistics after = synk::stats();
        EXPECT_EQ(after.dropped, warm.dropped);
        EXPECT_EQ(after.given_back, warm.given_back);
        EXPECT_EQ(after.mapped, warm.mapped);
        std::printf("dropped %llu given %llu mapped %zu cached %zu MiB reserved %zu MiB\n",
                    static_cast<unsigned long long>(after.dropped), static_cast<unsigned long long>(after.given_back),
                    after.mapped >> 20, after.idle_cached >> 20, inside::thread_caches::reserved_bytes() >> 20);
        getter.run([] {
            std::printf("getter: %zu MiB reserved\n",
                        inside::thread_caches::own()->reserved.load(std::memory_order_relaxed) >> 20);
        });
        std::printf("putter: %zu MiB reserved\n",
                    inside::thread_caches::own()->reserved.load(std::memory_order_relaxed) >> 20);
    }
};

TEST_F(HandOver, OfAllSizesGivesNothingUp) { expect_nothing_given_up(effort(3000)); }

} // namespace
