#include "memory_goals.hpp"

#include <fmt/format.h>

#include "judge.hpp"
#include "memory_table.hpp"

namespace bench {
namespace {

constexpr double kept_limit = 0.05; // of the peak

const series* of(const table& t, const std::string& name, const char* key) { return t.find("", name, key); }

void add_uses(judge& j, const table& t, const std::string& other) {
    j.add(of(t, "synk", memory_key::first_ms), of(t, other, memory_key::first_ms),
          other + ", first use after the silence");
    j.add(of(t, "synk", memory_key::steady_ms), of(t, other, memory_key::steady_ms), other + ", steady use");
}

} // namespace

goal quiet_memory(const std::vector<table>& tables) {
    judge j("silence", fmt::format("after the silence: at most {} x the peak resident and not lazily free", kept_limit),
            bound::at_most, kept_limit);
    if (const table* t = find(tables, "memory"))
        j.add(of(*t, "synk", memory_key::kept_mib), of(*t, "synk", memory_key::peak_mib), "the peak");
    return j.result();
}

goal next_use(const std::vector<table>& tables) {
    judge j("next use", "the next use: at most 1 x glibc's processor time, in steady use and after the silence",
            bound::at_most, 1);
    if (const table* t = find(tables, "memory")) add_uses(j, *t, "glibc");
    return j.result();
}

goal no_peer_wins(const std::vector<table>& tables) {
    judge j("peers", "no allocator keeps less after the silence or is faster in the next use: at most 1 x",
            bound::at_most, 1);
    if (const table* t = find(tables, "memory"))
        for (const auto& other : t->names()) {
            if (other == "synk") continue;
            j.add(of(*t, "synk", memory_key::kept_mib), of(*t, other, memory_key::kept_mib), other + ", kept");
            add_uses(j, *t, other);
        }
    return j.result();
}

} // namespace bench
