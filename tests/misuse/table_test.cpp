// What becomes of programs that misuse the pool, in each mode: exactly what the tables of docs/misuse.md say.
// The sanitizers would answer for the pool.
// ctest-variants: plain
#include <chrono>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>

#include <gtest/gtest.h>

#include "misuse/programs/double_puts.hpp"
#include "misuse/programs/invalid_puts.hpp"
#include "misuse/programs/overruns.hpp"
#include "misuse/programs/uses_after_put.hpp"
#include "support/child.hpp"

namespace synk_test {

// ---- The programs ----

struct group {
    const char* title; // in docs/misuse.md
    std::span<const misuse> programs;
};
constexpr group groups[] = {{"A second put", double_put_programs},
                            {"A put of what the pool did not give", invalid_put_programs},
                            {"A touch before or behind a block", overrun_programs},
                            {"A touch after the put", use_after_put_programs}};

std::ostream& operator<<(std::ostream& out, const misuse& shown) { return out << shown.what; }

const char* in_words(found how) {
    switch (how) {
    case found::at_put:
        return "at the put";
    case found::at_touch:
        return "at the touch";
    case found::later:
        return "later";
    case found::never:
        return "never";
    }
    return "";
}
std::ostream& operator<<(std::ostream& out, found how) { return out << in_words(how); }

// ---- The modes ----

struct mode {
    const char* name;
    bool hardened;
    std::size_t guard_sample;
    found misuse::*expected;
};
constexpr mode modes[] = {{"Normal", false, 0, &misuse::normally},
                          {"Unguarded", true, 0, &misuse::unguarded},
                          {"Guarded", true, 1, &misuse::guarded}};
std::ostream& operator<<(std::ostream& out, const mode& shown) { return out << shown.name; }

// Nothing happens by itself: what comes to light does so by what the program does.
void enter(const mode& wanted) {
    synk::options o;
    o.keeper = false;
    o.weak_after = o.gone_after = std::chrono::hours(24);
    o.hardened = wanted.hardened;
    o.guard_sample = wanted.guard_sample;
    synk::configure(o);
}

// ---- The tests ----

constexpr std::string_view survived = "[survived]";

found outcome(const ending& e) {
    if (e.good()) return found::never;
    const bool later = e.words.starts_with(survived);
    const std::string_view line = std::string_view(e.words).substr(later ? survived.size() : 0);
    const bool one_line = line.starts_with("synk: ") && line.find('\n') == line.size() - 1;
    if (e.aborted() && one_line) return later ? found::later : found::at_put;
    const bool fault = WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSEGV;
    if (fault && e.words.empty()) return found::at_touch;
    ADD_FAILURE() << "it ended in none of the ways that it may: " << e;
    return found::never;
}

using program_in_mode = std::tuple<misuse, mode>;
class Misuse : public testing::TestWithParam<program_in_mode> {};

TEST_P(Misuse, ComesToLightAsTheTableSays) {
    const misuse& program = std::get<misuse>(GetParam());
    const mode& where = std::get<mode>(GetParam());
    const ending e = in_child([&] {
        enter(where);
        program.commit();
        if (::write(STDERR_FILENO, survived.data(), survived.size()) < 0) ::_exit(1);
        program.go_on();
    });
    EXPECT_EQ(outcome(e), program.*where.expected) << e;
}

std::string test_name(const testing::TestParamInfo<program_in_mode>& info) {
    std::string name;
    for (const char c : std::string_view(std::get<misuse>(info.param).what)) name += c == ' ' || c == ',' ? '_' : c;
    return name + "_" + std::get<mode>(info.param).name;
}

#define SYNK_TABLE(name, programs)                                                                                     \
    INSTANTIATE_TEST_SUITE_P(name, Misuse, testing::Combine(testing::ValuesIn(programs), testing::ValuesIn(modes)),    \
                             test_name)
SYNK_TABLE(SecondPut, double_put_programs);
SYNK_TABLE(InvalidPut, invalid_put_programs);
SYNK_TABLE(Overrun, overrun_programs);
SYNK_TABLE(UseAfterPut, use_after_put_programs);
#undef SYNK_TABLE

// ---- The tables of docs/misuse.md ----

std::string table_of(const group& g) {
    std::ostringstream out;
    out << "| " << g.title << " | normal | hardened, not in the sample | hardened, guarded |\n|---|---|---|---|\n";
    for (const misuse& m : g.programs)
        out << "| " << m.what << " | " << m.normally << " | " << m.unguarded << " | " << m.guarded << " |\n";
    return out.str();
}

TEST(MisuseDocument, HasTheTablesOfTheTests) {
    const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
    std::ostringstream text;
    text << std::ifstream(root / "docs" / "misuse.md").rdbuf();
    for (const group& g : groups)
        EXPECT_NE(text.str().find("\n\n" + table_of(g) + "\n"), std::string::npos)
            << "docs/misuse.md should have this table:\n"
            << table_of(g);
}

} // namespace synk_test
