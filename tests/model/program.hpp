// Programs: actors in threads of their own, that begin and end, and everything looked at whenever they all stand still.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "model/actor.hpp"
#include "stats/counters.hpp"
#include "support/threads.hpp"

namespace synk_model {

inline constexpr unsigned actors = 4;

// Before a program is made: a keeper would find its system half made.
inline void prepare(bool processors_are_shared) {
    synk::configure(synk_test::quiet());
    share_processors(processors_are_shared);
}

// Nothing is idle and nothing mapped, whatever was before. Returns the bytes of addresses that are lost, as the system
// refused to unmap them in a program before.
inline std::size_t start_afresh() {
    synk::configure(synk_test::quiet());
    synk::trim();
    synk::detail::shared_store::unmap_free();
    const synk::statistics s = synk::stats();
    if (s.mapped != s.gone) broken("%zu bytes are mapped, %zu of them gone, and nothing is lent", s.mapped, s.gone);
    return s.mapped;
}

// Puts what is left in the mailbox, and what then is idle goes.
inline void require_good_end(world& w, mailbox& left) {
    journal::step(~std::uint64_t{0}, actors);
    model_system::refuse(0, 0);
    while (auto l = left.take()) l->put(0);
    require_balance(w.lent.bytes());
    if (w.lent.bytes() != 0) broken("the model has lost count");
    synk::trim();
    if (synk::stats().idle != 0) broken("trim() has left %zu bytes idle", synk::stats().idle);
    require_balance(0);
}

// Actors take turns of a few steps, each in its own thread, under a system that the program makes: so that the same
// choices always do the same, and every account can be looked at after every turn.
class in_turns {
public:
    // The program says itself which calls of the system fail.
    explicit in_turns(choices next) : next_(next) {}
    // The n-th call of the system fails, n > 0, and `more` behind it.
    in_turns(choices next, std::size_t n, std::size_t more)
        : next_(next), meddler_(true, false), first_refused_(n), more_refused_(more) {}

    void run(std::uint64_t steps) {
        lost_ = start_afresh();
        model_system::refuse(first_refused_, more_refused_);
        while (step_ < steps && !next_.ended()) turn(next_);
        calls_ = model_system::count();
        model_system::refuse(0, 0);
        for (auto& one : threads_) end(one);
        require_whole_again();
        require_good_end(world_, mailbox_);
    }
    // How many calls of the system the steps made, since the last choice of which are to fail.
    [[nodiscard]] std::size_t calls() const { return calls_; }

private:
    struct acting_thread {
        explicit acting_thread(in_turns& p) : part(p.world_, p.mailbox_, p.meddler_) {}
        actor part;
        synk_test::worker thread;
    };

    void turn(choices& next) {
        const std::size_t who = next.below(actors);
        auto& one = threads_[who];
        if (one == nullptr) one = std::make_unique<acting_thread>(*this);
        const std::size_t length = 1 + next.below(16);
        one->thread.run([&] {
            for (std::size_t i = 0; i < length && !next.ended(); ++i) {
                journal::step(++step_, static_cast<unsigned>(who));
                one->part.step(next);
            }
        });
        journal::step(step_, actors); // what is found now is nobody's
        if (next.one_in(32)) end(one);
        look();
    }
    void end(std::unique_ptr<acting_thread>& one) {
        if (one == nullptr) return;
        journal::trace("an actor ends");
        one->thread.run([&] { one->part.give_up(); });
        one.reset();
    }
    void look() {
        require_balance(world_.lent.bytes());
        if (synk::stats().idle > meddler_.idle_limit())
            broken("%zu bytes are idle, over the limit of %zu", synk::stats().idle, meddler_.idle_limit());
    }
    // All pieces are idle: the longest block there is in a chunk needs no new memory.
    void require_whole_again() {
        while (auto l = mailbox_.take()) l->put(0);
        const synk::statistics before = synk::stats();
        const std::size_t in_chunks = before.mapped - synk::detail::counters.large_mapped.get() - lost_;
        if (in_chunks < synk_test::inside::chunk_size || model_system::refused() != 0) return;
        synk_test::worker fresh;
        fresh.run([] { synk::get_sized_pool().get_sized(synk_test::inside::chunk_size).reset(); });
        if (synk::stats().mapped > before.mapped) broken("%zu bytes in chunks, and a chunk was mapped", in_chunks);
    }

    model_system system_;
    choices next_;
    world world_{true, some_classes(next_)};
    mailbox mailbox_;
    meddler meddler_{true};
    std::size_t first_refused_ = 0, more_refused_ = 0, calls_ = 0;
    std::array<std::unique_ptr<acting_thread>, actors> threads_;
    std::uint64_t step_ = 0;
    std::size_t lost_ = 0; // bytes
};

// Actors go on at the same time, as fast as they can.
class at_once {
public:
    explicit at_once(std::uint64_t seed) : seeds_(seed) {}

    void run(std::uint64_t rounds, std::uint64_t steps) {
        start_afresh();
        for (std::uint64_t round = 0; round < rounds; ++round) {
            std::vector<std::uint64_t> own;
            for (unsigned i = 0; i < actors; ++i) own.push_back(seeds_.below(~std::size_t{0}));
            synk_test::run_threads(actors, [&](unsigned i) { act(i, round * steps, steps, choices(own[i])); });
            journal::step((round + 1) * steps, actors);
            require_balance(world_.lent.bytes());
        }
        require_good_end(world_, mailbox_);
    }

private:
    void act(unsigned who, std::uint64_t first, std::uint64_t steps, choices next) {
        actor part(world_, mailbox_, meddler_);
        for (std::uint64_t i = 0; i < steps; ++i) {
            journal::step(first + i, who);
            part.step(next);
        }
        part.give_up();
    }

    choices seeds_;
    world world_{false, some_classes(seeds_)};
    mailbox mailbox_;
    meddler meddler_{false};
};

} // namespace synk_model
