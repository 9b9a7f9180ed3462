#include "explorer/explore.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "support/effort.hpp"
#include "support/random.hpp"

namespace synk_explorer {

namespace {

class stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Runs schedules until `next` has no more or the effort is spent.
template <class Next>
findings explore(const program& p, const effort& most, Next next) {
    const stopwatch clock;
    findings found;
    while (!found.failed && found.schedules < most.schedules && next(found.schedules)) {
        const auto outcome = the_machine.run(p);
        ++found.schedules;
        found.cut += outcome == machine::outcome::cut ? 1 : 0;
        found.failed = outcome == machine::outcome::failed;
        if (found.schedules % 256 == 0 && clock.seconds() > most.seconds) break;
    }
    if (found.failed) found.record = the_machine.decide.record();
    found.seconds = clock.seconds();
    return found;
}

bool fails(const program& p, const std::vector<std::uint8_t>& record) {
    the_machine.decide.start_recorded(record);
    return the_machine.run(p) == machine::outcome::failed;
}

} // namespace

findings explore_at_random(const program& p, const effort& most, std::uint64_t seed) {
    synk_test::random_source seeds(seed);
    return explore(p, most, [&seeds](std::uint64_t) {
        the_machine.decide.start_random(seeds.next());
        return true;
    });
}

findings explore_all(const program& p, bounds within, const effort& most) {
    bool complete = false;
    the_machine.decide.start_search(within);
    findings found = explore(p, most, [&complete](std::uint64_t schedule) {
        complete = schedule != 0 && !the_machine.decide.next_in_search();
        return !complete;
    });
    found.complete = complete;
    return found;
}

std::vector<std::uint8_t> shrunk(const program& p, std::vector<std::uint8_t> record) {
    for (bool better = true; better;) {
        better = false;
        for (std::size_t i = 0; i < record.size(); ++i) {
            if (record[i] == 0) continue;
            auto plainer = record;
            plainer[i] = 0;
            if (!fails(p, plainer)) continue;
            record = the_machine.decide.record();
            better = true;
        }
    }
    return record;
}

std::string report(const program& p, const std::vector<std::uint8_t>& record) {
    the_machine.decide.start_recorded(record);
    const std::string steps = the_machine.trace(p);
    const char* const reason = the_machine.reason();
    return std::string(p.name) + ": " + (reason != nullptr ? reason : "every promise is kept") +
           "\nTo see it again: SYNK_SCHEDULE=" + p.name + ":" + to_text(record) + "\n" + steps;
}

namespace {

void print(const program& p, const char* how, const findings& found) {
    std::printf("%s, %s: %llu schedules, %llu cut, %.0f a second%s\n", p.name, how,
                static_cast<unsigned long long>(found.schedules), static_cast<unsigned long long>(found.cut),
                static_cast<double>(found.schedules) / found.seconds, found.complete ? ", complete" : "");
}

// "name:record" of this program, or null.
const char* wanted_schedule(const program& p) {
    const char* const wanted = std::getenv("SYNK_SCHEDULE");
    if (wanted == nullptr) return nullptr;
    const std::string name = std::string(p.name) + ":";
    return std::string(wanted).rfind(name, 0) == 0 ? wanted + name.size() : nullptr;
}

} // namespace

std::string broken(const program& p, bounds within, double seconds_at_random) {
    if (const char* const wanted = wanted_schedule(p)) return report(p, from_text(wanted));
    const bool thorough = synk_test::long_run();
    const std::uint64_t seed = synk_test::chosen_seed();
    findings found = explore_at_random(p, {~std::uint64_t{0}, thorough ? 30.0 : seconds_at_random}, seed);
    print(p, "random", found);
    if (found.failed) return report(p, shrunk(p, found.record));
    if (found.cut != 0) return std::string(p.name) + ": schedules that the explorer has no room for";
    if (thorough) within.preemptions = 3;
    found = explore_all(p, within, {~std::uint64_t{0}, thorough ? 90.0 : 2.0});
    print(p, ("up to " + std::to_string(within.preemptions) + " preemptions").c_str(), found);
    return found.failed ? report(p, shrunk(p, found.record)) : std::string();
}

} // namespace synk_explorer
