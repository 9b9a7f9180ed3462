#include "memory_run.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <thread>
#include <utility>

#include "measure.hpp"
#include "measured_process.hpp"
#include "results.hpp"
#include "sizes.hpp"

namespace bench {
namespace {

using action = order::action;

constexpr std::chrono::milliseconds tick_length{100};

// What every process does at one tick, before its memory is read.
struct tick {
    const char* phase;
    std::vector<order> orders;
};

class plan_of_ticks {
public:
    explicit plan_of_ticks(const memory_plan& plan) {
        const std::uint64_t use_bytes = plan.live_bytes / 2, peak_bytes = 2 * plan.live_bytes;
        grow(phase::use, action::churn, 0, use_bytes, 12);
        rest(phase::use, 8, {{.what = action::churn, .bytes = use_bytes}, {.what = action::use}});
        grow(phase::peak, action::settle, use_bytes, peak_bytes, 8);
        rest(phase::peak, 4, {});
        grow(phase::idle, action::settle, peak_bytes, 0, 8);
        rest(phase::silence, static_cast<unsigned>(plan.silence / tick_length), {});
        rest(phase::again, 1, {{.what = action::use}});
        grow(phase::again, action::churn, 0, use_bytes, 14);
    }
    [[nodiscard]] const std::vector<tick>& ticks() const { return ticks_; }

private:
    void grow(const char* phase, action how, std::uint64_t from, std::uint64_t to, unsigned count) {
        for (unsigned i = 1; i <= count; ++i)
            ticks_.push_back({phase, {{.what = how, .bytes = (from * (count - i) + to * i) / count}}});
    }
    void rest(const char* phase, unsigned count, const std::vector<order>& orders) {
        for (unsigned i = 0; i < count; ++i) ticks_.push_back({phase, orders});
    }

    std::vector<tick> ticks_;
};

// One process and what has been seen of it. The first failure is its end.
class observed {
public:
    observed(const allocator& a, std::uint64_t seed) {
        report_.over_time.name = a.name;
        guarded([&] { process_ = std::make_unique<measured_process>(a, seed); });
    }

    void live_through(const tick& t, clock::time_point start) {
        if (process_ == nullptr) return;
        guarded([&] {
            for (const order& o : t.orders) note(t, o, process_->carry_out(o));
            take_sample(start);
        });
    }
    void begin(const char* phase, double seconds) { report_.over_time.phases.push_back({phase, seconds}); }
    [[nodiscard]] memory_report result() { return std::move(report_); }

private:
    template <class F>
    void guarded(F&& f) {
        try {
            f();
        } catch (const std::exception& e) {
            report_.failure = e.what();
            process_.reset();
        }
    }
    void note(const tick& t, const order& o, const answer& a) {
        held_ = static_cast<std::uint64_t>(a[0]);
        if (o.what != action::use) return;
        if (t.phase == phase::again)
            report_.over_time.first = {a[1], a[2]};
        else
            add_steady(a);
    }
    void add_steady(const answer& a) {
        steady_ms_.rounds.push_back(a[1]);
        steady_faults_.rounds.push_back(a[2]);
        report_.over_time.steady = {steady_ms_.median(), steady_faults_.median()};
    }
    void take_sample(clock::time_point start) {
        memory_sample s = process_->sample();
        s.seconds = nanoseconds(clock::now() - start) / 1e9;
        s.held = held_;
        report_.over_time.samples.push_back(s);
    }

    std::unique_ptr<measured_process> process_;
    std::uint64_t held_ = 0;
    series steady_ms_;
    series steady_faults_;
    memory_report report_;
};

// Each tick begins one process further, so that none always follows the same one.
void all_live_through(std::vector<observed>& all, std::size_t number, const tick& t, clock::time_point start) {
    for (std::size_t i = 0; i < all.size(); ++i) all[(number + i) % all.size()].live_through(t, start);
}

// Time that was lost is not made up for: a silence never becomes shorter.
void run_ticks(std::vector<observed>& all, const memory_plan& plan) {
    const auto ticks = plan_of_ticks(plan).ticks();
    const auto start = clock::now();
    const char* phase = nullptr;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        const auto now = clock::now();
        if (std::exchange(phase, ticks[i].phase) != ticks[i].phase) {
            plan.begins(phase);
            for (auto& one : all) one.begin(phase, nanoseconds(now - start) / 1e9);
        }
        all_live_through(all, i, ticks[i], start);
        std::this_thread::sleep_until(now + tick_length);
    }
}

// The number behind the word `name` in a file of words; 0 when there is none.
std::uint64_t number_in(const char* path, std::string_view name) {
    std::ifstream file(path);
    for (std::string word; file >> word;)
        if (std::uint64_t value = 0; word == name && file >> value) return value;
    return 0;
}

// Of the cgroup that this process sees as the root, a container's; the largest number when it sets none.
std::uint64_t container_limit() {
    std::ifstream file("/sys/fs/cgroup/memory.max");
    std::uint64_t value = 0;
    return file >> value ? value : std::numeric_limits<std::uint64_t>::max();
}

} // namespace

std::uint64_t available_memory() {
    return std::min(number_in("/proc/meminfo", "MemAvailable:") * 1024, container_limit());
}

std::size_t processes_that_fit(std::uint64_t live_bytes) {
    const std::uint64_t process_bytes = 3 * live_bytes; // what one may come to, with the worst allocator
    return available_memory() / 2 / process_bytes;
}

std::vector<memory_report> measure_together(std::span<const allocator> allocators, const memory_plan& plan) {
    std::vector<observed> all;
    for (const allocator& a : allocators) all.emplace_back(a, plan.seed);
    run_ticks(all, plan);
    std::vector<memory_report> reports;
    for (auto& one : all) reports.push_back(one.result());
    return reports;
}

} // namespace bench
