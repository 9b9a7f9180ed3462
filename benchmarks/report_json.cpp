#include "report.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <nlohmann/json.hpp>

namespace bench {
namespace {

using json = nlohmann::ordered_json; // keeps the order in which things are added

json json_of(const series& s) {
    return {{"median", s.median()}, {"min", s.min()}, {"max", s.max()}, {"rounds", s.rounds}};
}

json json_of(const table& t, const result_row& row) {
    json values = json::object();
    for (std::size_t i = 0; i < t.columns.size(); ++i) values[t.columns[i].key] = json_of(row.values[i]);
    return {{"group", row.group}, {"name", row.name}, {"values", values}};
}

json json_of(const table& t) {
    json units = json::object();
    for (const auto& c : t.columns) units[c.key] = c.unit;
    json rows = json::array();
    for (const auto& row : t.rows) rows.push_back(json_of(t, row));
    return {{"id", t.id}, {"title", t.title}, {"units", units}, {"notes", t.notes}, {"rows", rows}};
}

json json_of(const use_cost& u) { return {{"ms", u.ms}, {"page_faults", u.page_faults}}; }

// One list a quantity, for programs that draw; times in seconds, memory in bytes.
json json_of(const timeline& t) {
    json all = {{"name", t.name},
                {"steady_use", json_of(t.steady)},
                {"first_use_after_silence", json_of(t.first)},
                {"phases", json::array()}};
    for (const auto& p : t.phases) all["phases"].push_back({{"name", p.name}, {"begins_s", p.seconds}});
    for (const auto& s : t.samples) {
        all["seconds"].push_back(s.seconds);
        all["resident_bytes"].push_back(s.resident);
        all["lazily_free_bytes"].push_back(s.lazily_free);
        all["held_bytes"].push_back(s.held);
    }
    return all;
}

json json_of(const goal& g) {
    return {{"id", g.id},       {"goal", g.text},     {"verdict", name_of(g.is())}, {"worst", g.found},
            {"cases", g.cases}, {"missed", g.misses}, {"undecided", g.undecided}};
}

json json_of(const settings& s) {
    return {{"rounds", s.rounds},
            {"span_ms", s.span_ms},
            {"tables", s.tables},
            {"workers", s.workers},
            {"seed", s.seed},
            {"input", s.input},
            {"input_limit_mib", s.input_limit_mib},
            {"live_mib", s.live_mib},
            {"silence_s", s.silence_s},
            {"picture", std::filesystem::path(s.picture).filename().string()}}; // where it lay says nothing elsewhere
}

json json_of(const run& r) {
    json all = {{"settings", json_of(r.asked)}, {"machine", json::object()}, {"seconds", r.seconds}};
    for (const auto& [name, value] : r.on) all["machine"][name] = value;
    for (const auto& g : r.goals) all["goals"].push_back(json_of(g));
    all["mismatches"] = r.mismatches;
    for (const auto& t : r.tables) all["tables"].push_back(json_of(t));
    all["timelines"] = json::array();
    for (const auto& t : r.timelines) all["timelines"].push_back(json_of(t));
    return all;
}

[[noreturn]] void refuse(const std::string& path) {
    throw std::system_error(errno, std::generic_category(), "cannot write " + path);
}

// A device or a pipe: nothing takes its place, and it is opened but once.
bool is_no_file(const std::string& path) {
    return std::filesystem::exists(path) && !std::filesystem::is_regular_file(path);
}

// Leaves what is there as it is, and nothing where nothing was.
void try_to_write(const std::string& path) {
    if (is_no_file(path)) return;
    const bool was_there = std::filesystem::exists(path);
    if (!std::ofstream(path, std::ios::app)) refuse(path);
    if (!was_there) std::filesystem::remove(path);
}

std::string unfinished_name(const std::string& path) { return is_no_file(path) ? path : path + ".tmp"; }

} // namespace

void require_writable(const settings& s) {
    for (const auto& path : {s.json, unfinished_name(s.json), s.html}) try_to_write(path);
}

void write_json(const run& r, const std::string& path) {
    const std::string unfinished = unfinished_name(path);
    std::ofstream file(unfinished);
    if (!file) refuse(unfinished);
    // Names of files may hold any bytes: what is no UTF-8 is replaced.
    file << json_of(r).dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    file.close();
    if (!file) refuse(unfinished);
    if (unfinished != path) std::filesystem::rename(unfinished, path);
}

} // namespace bench
