// Promise 1: no byte is in two lent blocks, or in a lent and an idle one, under any interleaving.
//
// Programs of random steps over the whole public surface. Every byte of a lent block carries a pattern that belongs to
// this loan alone, and each is looked at before the block is put.
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <synk/pool.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "support/effort.hpp"
#include "support/fresh_pool.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk_test;

// One block in our hands, by a handle or by a bare pointer, patterned over its whole capacity.
class loan {
public:
    loan(synk::bytes b, std::uint64_t key) : handle_(std::move(b)), capacity_(handle_.capacity()), key_(key) {
        handle_.resize(capacity_);
        fill(handle_, key_);
    }
    loan(void* bare, std::size_t n, std::uint64_t key) : bare_(bare), capacity_(n), key_(key) { fill(whole(), key_); }

    [[nodiscard]] std::size_t capacity() const { return capacity_; }

    void expect_intact() {
        const std::size_t at = first_broken(whole(), key_);
        if (at != intact) ADD_FAILURE() << "byte " << at << " of " << capacity_ << " was written by somebody else";
    }

    void make_bare() {
        if (handle_) bare_ = handle_.release();
    }
    void make_handle() {
        if (bare_ != nullptr) handle_ = synk::bytes::adopt(std::exchange(bare_, nullptr));
        capacity_ = handle_.capacity();
        handle_.resize(capacity_);
        fill(handle_, key_);
    }
    // What was there is there still; what is new takes the pattern too.
    void grow(std::size_t n, bool by_append) {
        make_handle();
        const std::size_t before = capacity_;
        if (by_append)
            handle_.append(std::span<const std::byte>(handle_).first(std::min(n, before)));
        else
            handle_.resize(before + n);
        if (first_broken(std::span(handle_).first(before), key_) != intact) ADD_FAILURE() << "growth lost contents";
        capacity_ = handle_.capacity();
        handle_.resize(capacity_);
        fill(handle_, key_);
    }
    void put(std::size_t way) {
        expect_intact();
        if (bare_ != nullptr && way % 2 == 0) return synk::get_sized_pool().deallocate(bare_, capacity_);
        if (bare_ != nullptr) handle_ = synk::bytes::adopt(bare_);
        if (way % 4 == 0) return synk::get_sized_pool().put(std::move(handle_));
        if (way % 4 == 1) return synk::get_unsized_pool().put(std::move(handle_));
        handle_.reset();
    }

private:
    [[nodiscard]] std::span<std::byte> whole() {
        return {handle_ ? handle_.data() : static_cast<std::byte*>(bare_), capacity_};
    }

    synk::bytes handle_;
    void* bare_ = nullptr; // the block is here when it is not in handle_
    std::size_t capacity_;
    std::uint64_t key_;
};

std::uint64_t next_key() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

// All tiers, the small ones more often, and a few large ones.
std::size_t some_size(random_source& random) {
    if (random.one_in(200)) return random.between(4 * mib + 1, 12 * mib);
    const std::size_t tier = random.below(random.between(1, 11));
    const std::size_t most = page << tier;
    return random.one_in(50) ? most : random.between(tier == 0 ? 0 : most / 2 + 1, most);
}

loan some_loan(random_source& random) {
    const std::size_t n = some_size(random);
    switch (random.below(6)) {
    case 0:
        return {synk::get_unsized_pool().get(), next_key()};
    case 1:
        return {synk::get_unsized_pool().get_at_least(n), next_key()};
    case 2:
        return {synk::get_sized_pool().try_get_sized(n), next_key()};
    case 3:
        return {synk::get_sized_pool().allocate(n), n, next_key()};
    default:
        return {synk::get_sized_pool().get_sized(n), next_key()};
    }
}

// Where threads leave blocks for each other.
class mailbox {
public:
    void leave(loan l) {
        const std::lock_guard lock(mutex_);
        loans_.push_back(std::move(l));
    }
    std::optional<loan> take(random_source& random) {
        const std::lock_guard lock(mutex_);
        if (loans_.empty()) return {};
        std::swap(loans_[random.below(loans_.size())], loans_.back());
        std::optional<loan> l(std::move(loans_.back()));
        loans_.pop_back();
        return l;
    }
    std::size_t size() {
        const std::lock_guard lock(mutex_);
        return loans_.size();
    }

private:
    std::mutex mutex_;
    std::vector<loan> loans_;
};

class program {
public:
    program(random_source random, mailbox& others) : random_(random), others_(others) {}

    void run(std::size_t steps) {
        for (std::size_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
            step();
            while (held_bytes_ > most_held) put();
        }
        while (!held_.empty()) random_.one_in(4) ? hand_over() : put();
    }

private:
    static constexpr std::size_t most_held = 24 * mib; // bytes
    static constexpr std::size_t most_left = 16;       // blocks in the mailbox

    void step() {
        const std::size_t dice = random_.below(100);
        if (dice < 45 || held_.empty()) return hold(some_loan(random_));
        if (dice < 80) return put();
        if (dice < 84) return grow();
        if (dice < 88) return held_[random_.below(held_.size())].make_bare();
        if (dice < 90) return some_held().expect_intact();
        if (dice < 95) return hand_over();
        if (std::optional<loan> l = others_.take(random_)) hold(*std::move(l));
    }

    void hold(loan l) {
        held_bytes_ += l.capacity();
        held_.push_back(std::move(l));
    }
    loan& some_held() {
        std::swap(held_[random_.below(held_.size())], held_.back());
        return held_.back();
    }
    loan let_go() {
        loan l = std::move(some_held());
        held_.pop_back();
        held_bytes_ -= l.capacity();
        return l;
    }
    void put() { let_go().put(random_.next()); }
    void grow() {
        loan l = let_go();
        if (l.capacity() < 12 * mib) l.grow(random_.between(1, 64 * kib), random_.one_in(2));
        hold(std::move(l));
    }
    void hand_over() {
        if (others_.size() < most_left) return others_.leave(let_go());
        put();
    }

    random_source random_;
    mailbox& others_;
    std::vector<loan> held_;
    std::size_t held_bytes_ = 0;
};

// Everything that reaches into the caches of others, as often as it can, until told to end.
class meddler {
public:
    meddler(random_source random, const std::atomic<bool>& done) : random_(random), done_(done) {}
    void run() {
        while (!done_) {
            meddle();
            std::this_thread::sleep_for(std::chrono::microseconds(random_.below(2'000)));
        }
    }

private:
    void meddle() {
        const std::size_t dice = random_.below(10);
        if (dice < 3) return static_cast<void>(synk::trim(random_.below(64) * mib));
        if (dice < 8) return static_cast<void>(synk::maintain());
        if (dice < 9) return static_cast<void>(synk::stats());
        synk::configure(some_options());
    }
    synk::options some_options() {
        synk::options o = quiet_with_limit(random_.below(128) * mib);
        o.weak_after = std::chrono::milliseconds(4);
        o.gone_after = std::chrono::milliseconds(10);
        o.huge = random_.one_in(2) ? synk::huge_pages::automatic : synk::huge_pages::off;
        o.zero_on_get = random_.one_in(8);
        o.clear_on_put = random_.one_in(8);
        return o;
    }

    random_source random_;
    const std::atomic<bool>& done_;
};

class Disjoint : public fresh_pool {
protected:
    void SetUp() override {
        fresh_pool::SetUp();
        synk::options o = quiet();
        o.weak_after = std::chrono::milliseconds(4); // ages fast; who calls maintain() is the keeper
        o.gone_after = std::chrono::milliseconds(10);
        o.huge = synk::huge_pages::automatic;
        synk::configure(o);
    }
    void put_what_is_left() {
        while (std::optional<loan> l = others_.take(random_)) l->put(0);
    }

    random_source random_ = seeded();
    mailbox others_;
};

TEST_F(Disjoint, InOneThread) {
    program(random_.split(), others_).run(effort(12'000));
    put_what_is_left();
}

TEST_F(Disjoint, InManyThreadsWhileOthersTakeTheirIdleMemory) {
    constexpr unsigned threads = 4;
    std::atomic<bool> done{false};
    std::atomic<unsigned> running{threads};
    std::vector<random_source> sources;
    for (unsigned i = 0; i <= threads; ++i) sources.push_back(random_.split());
    run_threads(threads + 1, [&](unsigned i) {
        if (i == threads) return meddler(sources[i], done).run();
        program(sources[i], others_).run(effort(5'000));
        if (--running == 0) done = true;
    });
    put_what_is_left();
}

// What an ended thread leaves is given to others, not twice and not half.
TEST_F(Disjoint, InThreadsThatBeginAndEnd) {
    constexpr unsigned threads = 4;
    const std::size_t lives = effort(30);
    std::vector<random_source> sources;
    for (unsigned i = 0; i < threads; ++i) sources.push_back(random_.split());
    run_threads(threads, [&](unsigned i) {
        for (std::size_t life = 0; life < lives && !HasFailure(); ++life)
            std::thread([&, source = sources[i].split()] { program(source, others_).run(100); }).join();
    });
    put_what_is_left();
}

// Memory that went back with its addresses is anybody's: AddressSanitizer knows no poison there any more.
TEST_F(Disjoint, NotWithWhoGetsTheAddressesNext) {
    for (const std::size_t n : {page, 4 * mib, 5 * mib}) {
        synk::bytes b = synk::get_sized_pool().get_sized(n);
        std::byte* const at = b.data();
        b.reset();
        synk::trim();
        inside::shared_store::unmap_free();
        void* const got =
            ::mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        ASSERT_EQ(got, at) << "the addresses did not go back";
        *at = std::byte{1};
        EXPECT_EQ(*at, std::byte{1});
        ::munmap(at, page);
    }
}

} // namespace
