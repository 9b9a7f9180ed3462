// What a process holds when it has fallen silent, as the kernel counts it.
// ctest-variants: plain

#include <cstring>
#include <initializer_list>
#include <latch>
#include <semaphore>
#include <thread>
#include <vector>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/process_memory.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;

void write_all(synk::bytes& b) { std::memset(b.data(), 1, b.capacity()); }

// Lends and writes 400 MB in blocks of these sizes by turns, and puts them all.
void peak(std::initializer_list<std::size_t> sizes) {
    std::vector<synk::bytes> blocks;
    for (std::size_t sum = 0; sum < 400 * mib; sum += blocks.back().capacity()) {
        blocks.push_back(synk::get_sized_pool().get_sized(sizes.begin()[blocks.size() % sizes.size()]));
        write_all(blocks.back());
    }
}

void require_little_after_silence(std::size_t before) {
    std::this_thread::sleep_for(std::chrono::seconds(12));
    require(memory_now().held() <= before + 400 * mib / 20, "a twentieth is resident and not lazily free");
}

// In a process of its own, so that no other test's memory counts.
template <class Body>
void expect_in_a_new_process(Body body) {
    EXPECT_TRUE(ends_well(in_child(body)));
}

TEST(silence, of_12_s_leaves_a_twentieth_of_the_peak) {
    expect_in_a_new_process([] {
        const std::size_t before = memory_now().held();
        std::thread([] { peak({4096, 64 * 1024, 200'000, 1 * mib, 5 * mib}); }).join();
        peak({4096, 64 * 1024, 200'000, 1 * mib, 4 * mib, 5 * mib, 40 * mib});
        require_little_after_silence(before);
    });
}

// A touch brings a whole huge page: what a block leaves over of one is resident, though nobody has used it.
TEST(silence, of_12_s_leaves_as_little_where_blocks_fill_huge_pages_in_part) {
    expect_in_a_new_process([] {
        const std::size_t before = memory_now().held();
        peak({3 * mib});
        synk::trim();
        peak({3 * mib});
        require_little_after_silence(before);
    });
}

// In huge pages the pool would not notice what it holds, unless it kept account of them.
TEST(silence, is_no_hiding_place_for_memory) {
    for (const auto huge : {synk::huge_pages::on, synk::huge_pages::automatic, synk::huge_pages::off})
        expect_in_a_new_process([huge] {
            synk::options o;
            o.huge = huge;
            o.keeper = false;
            o.idle_limit = 32 * mib;
            synk::configure(o);
            const std::size_t before = memory_now().resident;
            for (int round = 0; round < 3; ++round) {
                std::vector<synk::bytes> blocks;
                for (int i = 0; i < 60; ++i) {
                    blocks.push_back(synk::get_sized_pool().get_sized(3 * mib));
                    write_all(blocks.back());
                    require(synk::stats().idle <= 32 * mib, "the limit holds for what blocks leave over, too");
                }
                const std::size_t counted = synk::stats().lent + synk::stats().idle;
                require(memory_now().resident <= before + counted + 8 * mib, "stats() says no less than the kernel");
                if (round == 1) synk::trim();
                blocks.clear();
                if (round == 0) synk::trim();
            }
        });
}

class many_threads : public testing::Test {
protected:
    static constexpr unsigned count = 1000;
    static constexpr std::size_t cost_of_a_thread = 96 * 1024; // its stack and its cache's record
    static constexpr std::size_t largest = 4 * mib;

    static void use_every_tier() {
        for (std::size_t n = 4096; n <= largest; n *= 2) {
            synk::bytes b = synk::get_sized_pool().get_sized(n);
            write_all(b);
        }
    }
    // Calls asleep() when all have used every tier and sleep.
    template <class Asleep>
    static void run(Asleep asleep) {
        std::latch used(count), end(1);
        std::counting_semaphore<> at_work(8); // so that they do not lend 4 GB at a time
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < count; ++i)
            threads.emplace_back([&] {
                at_work.acquire();
                use_every_tier();
                at_work.release();
                used.count_down();
                end.wait();
            });
        used.wait();
        asleep();
        end.count_down();
        for (std::thread& t : threads) t.join();
    }
};

TEST_F(many_threads, that_sleep_hold_no_more_than_the_limit_and_soon_nothing) {
    expect_in_a_new_process([] {
        const std::size_t before = memory_now().resident;
        run([before] {
            const std::size_t limit = synk::current_options().idle_limit;
            require(synk::stats().idle <= limit, "stats() says at most the limit");
            require(memory_now().resident <= before + limit + count * cost_of_a_thread, "the kernel agrees");
            std::this_thread::sleep_for(std::chrono::seconds(7));
            require(synk::stats().idle <= 2 * mib, "nearly nothing is left");
            require(memory_now().resident <= before + count * cost_of_a_thread, "the kernel agrees again");
        });
    });
}

} // namespace
