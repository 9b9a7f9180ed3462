#include "child.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crew.hpp"
#include "live_set.hpp"
#include "pairs.hpp"
#include "processors.hpp"
#include "rows.hpp"
#include "settings.hpp"
#include "sizes.hpp"
#include "threads.hpp"

namespace bench {
namespace {

// What is asked for, made once, before anything is timed.
class prepared {
public:
    explicit prepared(std::uint64_t seed) : seed_(seed) {}

    [[nodiscard]] const std::vector<job>& jobs() {
        if (jobs_.empty()) jobs_ = mixed_jobs(seed_);
        return jobs_;
    }
    [[nodiscard]] std::span<const std::size_t> sizes(const order& o) {
        auto& all = sizes_[{o.sizes, o.bytes}];
        if (all.empty()) all = make_sizes(o);
        return all;
    }

    [[nodiscard]] std::vector<std::span<const std::size_t>> sizes_of_threads(const order& o) {
        std::vector<std::span<const std::size_t>> all;
        for (std::size_t i = 0; i < o.count; ++i)
            all.push_back(o.sizes == pattern::tier_each
                              ? sizes({.sizes = pattern::one, .bytes = 4 * kib << i % pool_tiers})
                              : sizes(o));
        return all;
    }

private:
    static constexpr unsigned pool_tiers = 11; // 4 KiB to 4 MiB

    [[nodiscard]] std::vector<std::size_t> make_sizes(const order& o) {
        if (o.sizes == pattern::uniform) return uniform_sizes(o.bytes, seed_);
        std::vector<std::size_t> all(table_length, o.bytes);
        if (o.sizes == pattern::mixed)
            for (std::size_t i = 0; i < all.size(); ++i) all[i] = jobs()[i].size;
        return all;
    }

    std::uint64_t seed_;
    std::vector<job> jobs_;
    std::map<std::pair<pattern, std::uint64_t>, std::vector<std::size_t>> sizes_;
};

template <row R>
class worker {
public:
    explicit worker(std::uint64_t seed) : prepared_(seed), live_(seed) {}

    answer carry_out(const order& o) {
        using enum order::action;
        if (is_of_one_thread(o))
            work_on(static_cast<unsigned>(o.turn));
        else
            work_anywhere();
        const auto span = std::chrono::nanoseconds(o.span_ns);
        switch (o.what) {
        case settle:
            return live_.settle(o.bytes);
        case churn:
            return live_.churn(o.bytes);
        case use:
            return live_.timed_use();
        case hot:
            return hot_pairs<R>(o.bytes, span);
        case random:
            return random_pairs<R>(prepared_.sizes(o), span);
        case workers:
            return crew<R>(static_cast<unsigned>(o.count), std::span(prepared_.jobs()).first(o.bytes)).values();
        case threads:
            return o.count == 1 ? one_thread_everywhere(o)
                                : free_running<R>(prepared_.sizes_of_threads(o), span).values();
        case hand:
            return hand_over<R>(prepared_.sizes(o), span).values();
        case burst:
            return bursts<R>(prepared_.sizes(o), o.count, span);
        case touch:
            return first_touch<R>(o.bytes, o.count);
        case lend:
            lend_more(o.bytes, o.count);
            return {};
        case unlend:
            for (auto& h : lent_) R::put(std::move(h));
            lent_.clear();
            break;
        }
        return {};
    }

private:
    static bool is_of_one_thread(const order& o) {
        using enum order::action;
        switch (o.what) {
        case hot:
        case random:
        case burst:
        case touch:
            return true;
        case workers:
            return o.count == 1;
        default:
            return false;
        }
    }

    // What several threads do is compared with it, and they are on several processors: so it is on two of those in
    // turn.
    answer one_thread_everywhere(const order& o) {
        const unsigned places = std::min(processors(), 2U);
        answer sum{};
        for (unsigned place = 0; place < places; ++place) {
            work_on(place);
            const answer a =
                free_running<R>(prepared_.sizes_of_threads(o), std::chrono::nanoseconds(o.span_ns / places)).values();
            std::transform(a.begin(), a.end(), sum.begin(), sum.begin(),
                           [=](double part, double so_far) { return so_far + part / places; });
        }
        return sum;
    }

    void lend_more(std::size_t size, std::size_t count) {
        lent_.reserve(lent_.size() + count);
        for (std::size_t i = 0; i < count; ++i) lent_.push_back(R::get(size));
    }

    prepared prepared_;
    live_set<R> live_;
    std::vector<typename R::held> lent_;
};

// Until the other end is closed.
template <row R>
int serve(std::uint64_t seed) {
    worker<R> w(seed);
    for (order o; ::recv(STDIN_FILENO, &o, sizeof o, 0) == sizeof o;) {
        const answer a = w.carry_out(o);
        if (::send(STDIN_FILENO, &a, sizeof a, MSG_NOSIGNAL) != sizeof a) return failed;
    }
    return done;
}

bool is_loaded(const char* library) { return ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD) != nullptr; }

} // namespace

std::optional<int> be_child(int argc, char** argv) {
    if (argc != 7 || std::string_view(argv[1]) != child_flag) return std::nullopt;
    const std::string_view wanted = argv[2];
    const auto seed = std::strtoull(argv[3], nullptr, 10);
    if (const char* const library = argv[4]; *library != '\0' && !is_loaded(library)) return failed;
    if (wanted == own::name) own::find(argv[5], argv[6]);
    int status = failed; // no row has this name
    for_each_row(all_rows{}, [&]<row R>() {
        if (R::name == wanted) status = serve<R>(seed);
    });
    return status;
}

} // namespace bench
