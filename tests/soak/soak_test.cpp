// Mixed traffic for a long time, with trims, threads that come and go, forks and memory pressure, under a limit of 2
// GiB: nothing grows, and nothing is lost. SYNK_SOAK_SECONDS says how long; SYNK_LONG=1 is an hour. What a long run
// printed is kept in docs/soak.md.
//
// ctest-variants: plain
// ctest: TIMEOUT 7200
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.hpp"
#include "model/program.hpp"
#include "support/blocks.hpp"
#include "support/child.hpp"
#include "support/process_memory.hpp"

namespace {

using namespace synk_model;
using std::chrono::seconds;
using std::chrono::steady_clock;
using synk_test::mib;

constexpr std::size_t memory_limit = 2048 * mib; // of address space: more than that is no memory, and ends the test

seconds time_to_run() {
    if (const char* const wanted = std::getenv("SYNK_SOAK_SECONDS")) return seconds(std::atoll(wanted));
    return synk_test::long_run() ? std::chrono::hours(1) : seconds(20);
}

// The only source of pressure that is asked: it says so when we write to it.
class pressure_source {
public:
    pressure_source() {
        std::string name = "/tmp/synk_soak_XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) broken("no folder for a FIFO");
        folder_ = name;
        const std::string fifo = folder_ / "pressure";
        if (::mkfifo(fifo.c_str(), 0600) != 0) broken("no FIFO");
        ::setenv("MEMORY_PRESSURE_WATCH", fifo.c_str(), 1);
        ::unsetenv("MEMORY_PRESSURE_WRITE");
        synk::detail::copy_pressure_variables();
        fd_ = ::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    pressure_source(const pressure_source&) = delete;
    pressure_source& operator=(const pressure_source&) = delete;
    ~pressure_source() {
        ::close(fd_);
        std::filesystem::remove_all(folder_);
    }
    void tell() const { EXPECT_EQ(::write(fd_, "x", 1), 1); }

private:
    std::filesystem::path folder_;
    int fd_ = -1;
};

// The options are the defaults, and the keeper is there: a user of the whole pool now and then trims it, and no more.
class trimmer : public meddler {
public:
    trimmer() : meddler(false) {}
    void step(choices& next) override {
        if (next.one_in(64)) synk::trim(next.below(3) * 16 * mib);
    }
};

// Bytes at one moment.
struct moment {
    std::size_t resident;  // and not lazily free
    std::size_t mapped;    // by the pool
    std::size_t accounted; // of the resident, as the pool says: lent, or idle and not lazily free

    static moment now() {
        const synk::statistics s = synk::stats();
        return {synk_test::memory_now().held(), s.mapped, s.lent + s.idle - s.weak};
    }
};

class soak {
public:
    explicit soak(std::uint64_t seed) : seeds_(seed) {
        for (std::size_t i = 0; i < threads; ++i)
            runners_[i] = std::thread([this, i, seed] { keep_threads_coming(i, choices(seed + i)); });
    }
    soak(const soak&) = delete;
    soak& operator=(const soak&) = delete;
    ~soak() = default;

    void run(seconds time) {
        const auto begin = steady_clock::now();
        const auto end = begin + time;
        auto report = begin;
        while (steady_clock::now() < end) {
            // Before the first fork the ladder has a weak step, after it none: so the first third has no fork.
            event(steady_clock::now() - begin > time / 3);
            std::this_thread::sleep_for(std::chrono::milliseconds(250));
            moments_.push_back(moment::now());
            if (steady_clock::now() < report) continue;
            print(std::chrono::duration_cast<seconds>(steady_clock::now() - begin));
            report += std::max<steady_clock::duration>(time / 60, seconds(2));
        }
        done_ = true;
        for (std::thread& t : runners_) t.join();
        while (auto l = mailbox_.take()) l->put(0);
    }

    // The last third needs no more than the second. What is lent and what is kept for it differs by chance by some
    // blocks of 16 MiB, which in a run of seconds is more than a leak is: there the resident memory is judged by what
    // is neither. What is wrongly taken for lent or idle shows at the end.
    void expect_no_growth(seconds time) const {
        const auto signed_size = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
        const auto resident = compare("resident and not lazily free", [&](auto& m) { return signed_size(m.resident); });
        const auto mapped = compare("mapped", [&](auto& m) { return signed_size(m.mapped); });
        const auto neither = compare("resident, but neither lent nor idle",
                                     [&](auto& m) { return signed_size(m.resident) - signed_size(m.accounted); });
        EXPECT_LE(neither.median[1], neither.median[0] + signed_size(4 * mib)) << neither.what;
        resident.expect_no_more_at_most();
        if (time >= std::chrono::minutes(5)) resident.expect_no_more_on_the_median();
        mapped.expect_no_more_at_most();
        mapped.expect_no_more_on_the_median();
    }

    // Every block is accounted for: all of it is put, the keeper gives all of it back with no call into the library,
    // and every address that the pool had from the system it still knows.
    void expect_nothing_lost() const {
        EXPECT_EQ(world_.lent.bytes(), 0U);
        EXPECT_EQ(synk::stats().lent, 0U);
        const auto nothing_idle = [] { return synk::stats().idle == 0; };
        EXPECT_TRUE(synk_test::comes_true(nothing_idle, seconds(30))) << what_is_idle();
        synk::configure(synk_test::quiet());
        std::this_thread::sleep_for(seconds(1)); // the keeper's last visit ends
        require_balance(0);
        synk::detail::shared_store::unmap_free();
        EXPECT_EQ(synk::stats().mapped, 0U);
    }

private:
    static constexpr std::size_t threads = 4;

    static std::string what_is_idle() {
        const synk::statistics s = synk::stats();
        return "bytes still idle: " + std::to_string(s.idle_cached) + " in caches, " + std::to_string(s.idle_channel) +
               " in channels, " + std::to_string(s.idle_chunk) + " in chunks, " + std::to_string(s.idle_large) +
               " large; of them weak " + std::to_string(s.weak) + ", advice refused " +
               std::to_string(s.refused_advice);
    }

    // A thread lives for some hundred to some ten thousand steps, and leaves what it holds to the others.
    void keep_threads_coming(std::size_t who, choices next) {
        while (!done_) {
            const std::size_t life = std::size_t{64} << next.below(9);
            std::thread([&] {
                actor part(world_, mailbox_, trimmer_);
                for (std::size_t i = 0; i < life && !done_; ++i) {
                    journal::step(++steps_, static_cast<unsigned>(who));
                    part.step(next);
                }
                part.give_up();
            }).join();
            ++begun_;
        }
    }

    void event(bool may_fork) {
        share_processors(seeds_.below(2) == 0);
        switch (seeds_.below(8)) {
        case 0:
            ++told_;
            return source_.tell();
        case 1:
        case 2:
            if (may_fork) fork_child();
            return;
        case 3:
            synk::trim(seeds_.below(128) * mib);
        }
    }
    void fork_child() {
        ++forks_;
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(synk_test::watchdog_seconds);
            synk_test::require_every_tier_works(1);
            synk::trim();
            synk_test::require_every_tier_works(2);
            ::_exit(0);
        }
        EXPECT_EQ(synk_test::status_of(child), 0) << "the child's pool works";
    }

    void print(seconds now) const {
        const synk::statistics s = synk::stats();
        const auto ull = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
        std::printf(
            "%6lld s: %llu steps, %llu threads, %llu forks, %llu pressures; MiB: lent %zu, idle %zu, mapped %zu, "
            "resident %zu, given back %llu\n",
            static_cast<long long>(now.count()), ull(steps_), ull(begun_), ull(forks_), ull(told_), s.lent / mib,
            s.idle / mib, s.mapped / mib, moments_.back().resident / mib, ull(s.given_back / mib));
        std::fflush(stdout);
    }

    // A figure, in bytes, of the second third of the run and of the last one.
    struct comparison {
        const char* what;
        std::array<std::ptrdiff_t, 2> median, most;

        static constexpr auto block = static_cast<std::ptrdiff_t>(16 * mib);
        void expect_no_more_on_the_median() const { EXPECT_LE(median[1], median[0] + median[0] / 10 + block) << what; }
        void expect_no_more_at_most() const { EXPECT_LE(most[1], most[0] + most[0] / 5 + 2 * block) << what; }
    };
    template <class Figure>
    comparison compare(const char* what, Figure figure) const {
        std::vector<std::ptrdiff_t> all;
        for (const moment& m : moments_) all.push_back(figure(m));
        const auto third = static_cast<std::ptrdiff_t>(all.size() / 3);
        comparison c{what, {}, {}};
        if (third <= 5) {
            ADD_FAILURE() << "a run of " << all.size() << " moments says nothing";
            return c;
        }
        for (const unsigned part : {0U, 1U}) {
            const auto begin = all.begin() + (part + 1) * third;
            std::sort(begin, begin + third);
            c.median[part] = begin[third / 2];
            c.most[part] = begin[third - 1];
        }
        constexpr auto unit = static_cast<std::ptrdiff_t>(mib);
        std::printf("%s, MiB: median %td, then %td; most %td, then %td\n", what, c.median[0] / unit, c.median[1] / unit,
                    c.most[0] / unit, c.most[1] / unit);
        return c;
    }

    pressure_source source_;
    choices seeds_;
    world world_{false, all_classes};
    mailbox mailbox_;
    trimmer trimmer_;
    std::vector<moment> moments_;
    std::uint64_t forks_ = 0, told_ = 0;
    std::atomic<std::uint64_t> steps_{0}, begun_{0};
    std::atomic<bool> done_{false};
    std::array<std::thread, threads> runners_;
};

TEST(Soak, GrowsNothingAndLosesNothing) {
    const rlimit limit{memory_limit, memory_limit};
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
    const std::uint64_t seed = synk_test::chosen_seed();
    std::printf("SYNK_SEED=%llu\n", static_cast<unsigned long long>(seed));
    journal::note_ends();
    journal::begin("soaking", seed, seed);
    const seconds time = time_to_run();
    soak run(seed);
    run.run(time);
    run.expect_no_growth(time);
    run.expect_nothing_lost();
}

} // namespace
