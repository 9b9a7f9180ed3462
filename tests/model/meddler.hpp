// Everything that is done to the pool as a whole.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "model/world.hpp"
#include "support/fresh_pool.hpp"

namespace synk_model {

class meddler {
public:
    explicit meddler(bool in_turns) : meddler(in_turns, in_turns) {}
    // In turns alone the system may refuse: there that can be told from a get that fails for no reason.
    meddler(bool in_turns, bool refuses) : in_turns_(in_turns), refuses_(refuses) {}

    meddler(const meddler&) = delete;
    meddler& operator=(const meddler&) = delete;
    virtual ~meddler() = default;

    // Whether every get gives zeros, for certain.
    [[nodiscard]] bool zeroes() const { return in_turns_ && options_.zero_on_get; }
    // The most that may lie idle; all, once the system has refused to take something.
    [[nodiscard]] std::size_t idle_limit() const {
        return model_system::refused() == 0 ? options_.idle_limit : ~std::size_t{0};
    }

    virtual void step(choices& next) {
        const std::size_t dice = next.below(10);
        journal::trace("meddle in way %zu", dice);
        switch (dice) {
        case 0:
            return trim(next);
        case 1:
            return configure(next);
        case 2:
            return relieve();
        case 3:
            return ask_the_impossible(next);
        case 4:
            return look();
        case 5:
            return refuse(next);
        default:
            return pass_time(next);
        }
    }

private:
    void trim(choices& next) {
        const std::size_t keep = next.one_in(2) ? 0 : next.below(16) * synk_test::mib;
        const std::size_t refused = model_system::refused();
        if (next.one_in(2))
            synk::trim(keep);
        else
            synk_trim(keep);
        if (in_turns_ && model_system::refused() == refused && synk::stats().idle > keep && never_refused())
            broken("trim(%zu) has left %zu bytes idle", keep, synk::stats().idle);
    }
    void relieve() {
        synk::on_pressure();
        if (in_turns_ && never_refused() && synk::stats().idle != 0)
            broken("on_pressure has left %zu bytes idle", synk::stats().idle);
    }
    void configure(choices& next) {
        synk::options o = synk_test::quiet_with_limit(next.below(10) * next.below(16) * synk_test::mib);
        o.weak_after = std::chrono::milliseconds(4 + next.below(100));
        o.gone_after = o.weak_after * (1 + next.below(4));
        o.huge = synk::huge_pages{static_cast<int>(next.below(3))};
        o.zero_on_get = next.one_in(6);
        o.clear_on_put = next.one_in(6);
        synk::configure(o);
        if (!in_turns_) return;
        options_ = o;
        const synk::options now = synk::current_options();
        if (now.idle_limit != o.idle_limit || now.weak_after != o.weak_after || now.gone_after != o.gone_after ||
            now.huge != o.huge || now.zero_on_get != o.zero_on_get || now.clear_on_put != o.clear_on_put)
            broken("current_options() is not what was set");
    }
    void pass_time(choices& next) {
        if (in_turns_) model_system::pass(std::chrono::milliseconds(1 + next.below(64)));
        synk::maintain();
    }
    static void ask_the_impossible(choices& next) {
        const std::size_t n = ~std::size_t{0} - next.below(1 << 16);
        if (synk::get_sized_pool().try_get_sized(n) || synk_get(n) != nullptr) broken("%zu bytes were got", n);
        try {
            static_cast<void>(synk::get_unsized_pool().get_at_least(n));
        } catch (const std::length_error&) {
            return;
        }
        broken("%zu bytes were got, or refused with another error", n);
    }
    void look() const {
        synk_stats in_c{};
        synk_get_stats(&in_c);
        const synk::statistics s = synk::stats();
        if (s.mapped_peak < s.mapped && in_turns_) broken("the peak %zu is below %zu", s.mapped_peak, s.mapped);
        if (in_turns_ && (in_c.lent != s.lent || in_c.idle != s.idle || in_c.gone != s.gone))
            broken("the C interface has other statistics");
    }
    void refuse(choices& next) const {
        if (!refuses_ || !next.one_in(4)) return;
        const std::size_t n = next.below(12);
        model_system::refuse(n, next.one_in(3) ? 1 + next.below(8) : 0);
    }

    [[nodiscard]] static bool never_refused() { return model_system::refused() == 0; }

    const bool in_turns_, refuses_;
    synk::options options_ = synk_test::quiet();
};

} // namespace synk_model
