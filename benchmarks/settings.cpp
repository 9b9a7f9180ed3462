#include "settings.hpp"

#include <algorithm>
#include <limits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "usage.hpp"

namespace bench {
namespace {

void add_options(CLI::App& app, settings& s) {
    app.set_help_flag();
    app.add_flag("-h,--help");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)->always_capture_default();
    app.add_option("--rounds", s.rounds)->check(CLI::Range(1, 1000));
    app.add_option("--span", s.span_ms)->check(CLI::Range(1, 60000));
    app.add_option("--seed", s.seed)->check(CLI::NonNegativeNumber);
    app.add_option("--input", s.input)->check(CLI::ExistingDirectory);
    app.add_option("--input-limit", s.input_limit_mib)->check(CLI::Range(1, 1 << 20));
    app.add_option("--live", s.live_mib)->check(CLI::Range(1, 1 << 20));
    app.add_option("--silence", s.silence_s)->check(CLI::Range(1, 3600));
    app.add_option("--picture", s.picture);
    app.add_option("--html", s.html);
    app.add_option("--json", s.json);
    app.add_flag("--strict", s.strict);
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--tables", s.tables)->delimiter(',')->check(CLI::IsMember(s.tables));
    app.add_option("--workers", s.workers)->delimiter(',')->check(CLI::Range(1, 1024));
}

// What is named twice is measured once.
template <class T>
void drop_repeated(std::vector<T>& list) {
    auto end = list.begin();
    for (const T& item : std::vector<T>(list))
        if (std::find(list.begin(), end, item) == end) *end++ = item;
    list.erase(end, list.end());
}

// Without what only lays a text out: the help breaks long lists, the program writes them in brackets.
std::string bare_text(std::string_view text) {
    std::string bare(text);
    std::erase_if(bare, [](char c) { return c == '[' || c == ']' || c == ' ' || c == '\n'; });
    return bare;
}

// From an option's name to the next option.
std::string_view entry_of(const CLI::Option& option) {
    const auto at = usage.find(option.get_name() + ' ');
    return at == std::string_view::npos ? std::string_view() : usage.substr(at, usage.find("\n  --", at) - at);
}

// The help is a text of its own, so that it can be read before anything is built. Here it is held against
// what the program takes: an option or a default that it does not name is an error.
int check_usage(const CLI::App& app) {
    int wrong = 0;
    for (const auto* option : app.get_options()) {
        const auto entry = bare_text(entry_of(*option));
        if (!entry.empty() && entry.find(bare_text(option->get_default_str())) != std::string::npos) continue;
        fmt::print(stderr, "usage.txt does not name {} with its default '{}'\n", option->get_name(),
                   option->get_default_str());
        ++wrong;
    }
    return wrong == 0 ? done : failed;
}

int refuse(const CLI::ParseError& e) {
    fmt::print(stderr, "error: {}\nTry ./bench --help\n", e.what());
    return bad_usage;
}

} // namespace

bool settings::wants(std::string_view table) const {
    return std::find(tables.begin(), tables.end(), table) != tables.end();
}

std::optional<int> parse(int argc, char** argv, settings& into) {
    CLI::App app;
    add_options(app, into);
    if (argc == 2 && std::string_view(argv[1]) == "--check-usage") return check_usage(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return refuse(e);
    }
    drop_repeated(into.tables);
    drop_repeated(into.workers);
    if (app.count("--help") == 0) return std::nullopt;
    fmt::print("{}", usage);
    return done;
}

} // namespace bench
