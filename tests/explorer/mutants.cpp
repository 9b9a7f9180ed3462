#include "explorer/mutants.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "support/effort.hpp"

namespace synk_explorer {

namespace {

bool is_in(const site& s, const char* file) { return std::string_view(s.where.file_name()).ends_with(file); }

// The sites in the file that each world comes by, in the order of the source.
using visited_sites = std::vector<std::vector<const site*>>;

std::vector<site*> collect(const std::vector<program>& worlds, const char* file, visited_sites& by_world,
                           std::string& complaints) {
    std::vector<site*> all;
    for (const program& p : worlds) {
        the_machine.sites.forget_visits();
        const findings clean = explore_at_random(p, {20'000, 2}, 1);
        if (clean.failed) complaints += "without a mutant: " + report(p, shrunk(p, clean.record));
        auto& here = by_world.emplace_back();
        for (site* const s : the_machine.sites.all()) {
            if (s->visits == 0 || !is_in(*s, file)) continue;
            here.push_back(s);
            if (std::find(all.begin(), all.end(), s) == all.end()) all.push_back(s);
        }
    }
    std::sort(all.begin(), all.end(), [](const site* a, const site* b) {
        return std::pair(a->where.line(), a->where.column()) < std::pair(b->where.line(), b->where.column());
    });
    return all;
}

struct hunt {
    const char* found_by = nullptr;
    std::uint64_t schedules = 0;
    double seconds = 0;

    // Returns whether the world notices.
    bool add(const program& p, const findings& f) {
        schedules += f.schedules;
        seconds += f.seconds;
        if (f.failed) found_by = p.name;
        return f.failed;
    }
};

// Every world at random for a moment; then each at length, of a time that all share; then systematically.
hunt hunt_down(const std::vector<program>& worlds, const visited_sites& by_world, const site* s, double seconds) {
    hunt h;
    std::vector<program> chosen;
    for (std::size_t i = 0; i < worlds.size(); ++i)
        if (std::find(by_world[i].begin(), by_world[i].end(), s) != by_world[i].end()) chosen.push_back(worlds[i]);
    const double share = seconds / static_cast<double>(chosen.size());
    const auto each = [&](auto search) {
        return std::any_of(chosen.begin(), chosen.end(), [&](const program& p) { return h.add(p, search(p)); });
    };
    const std::uint64_t many = ~std::uint64_t{0};
    if (each([](const program& p) { return explore_at_random(p, {5'000, 20}, 1); })) return h;
    if (each([&](const program& p) { return explore_at_random(p, {many, share}, 2); })) return h;
    each([&](const program& p) { return explore_all(p, {2, 1}, {many, share}); });
    return h;
}

const equivalent* entry_for(const std::vector<equivalent>& listed, const site& s, const mutation& m) {
    const std::string text = text_of(s.where);
    for (const equivalent& e : listed)
        if (text.find(e.source) != text.npos && name_of(m) == e.change) return &e;
    return nullptr;
}

void print(const site& s, const mutation& m, const hunt& h, const equivalent* e) {
    std::printf("%-22s %-17s %-8s -> %-19s ", file_and_line(s.where).c_str(), name_of(s.kind), name_of(s.order),
                name_of(m).c_str());
    if (h.found_by != nullptr)
        std::printf("found by %s, %llu schedules, %.2f s\n", h.found_by, static_cast<unsigned long long>(h.schedules),
                    h.seconds);
    else
        std::printf("%s\n", e != nullptr ? e->why : "NOT FOUND");
}

} // namespace

std::string survivors(const std::vector<program>& worlds, const char* file, const std::vector<equivalent>& listed) {
    std::string complaints;
    std::vector<const equivalent*> used;
    visited_sites by_world;
    for (site* const s : collect(worlds, file, by_world, complaints)) {
        for (const mutation& m : mutations_of(*s)) {
            s->mutated = m;
            const equivalent* const e = entry_for(listed, *s, m);
            const double patience = (synk_test::long_run() ? 30.0 : 1.0) * (e != nullptr ? 0.3 : 1.0);
            const hunt h = hunt_down(worlds, by_world, s, patience);
            s->mutated = {};
            print(*s, m, h, e);
            if (h.found_by == nullptr) used.push_back(e);
            if (h.found_by == nullptr && e == nullptr)
                complaints += file_and_line(s->where) + " " + name_of(m) + ": not found: " + text_of(s->where) + "\n";
        }
    }
    for (const equivalent& e : listed)
        if (std::find(used.begin(), used.end(), &e) == used.end())
            complaints +=
                std::string("listed as equivalent, but found, or not there: ") + e.source + " " + e.change + "\n";
    return complaints;
}

} // namespace synk_explorer
