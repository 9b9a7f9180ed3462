#include "input_table.hpp"

#include <fmt/format.h>

#include "input_compare.hpp"
#include "input_files.hpp"
#include "input_run.hpp"
#include "rounds.hpp"
#include "sizes.hpp"

namespace bench {
namespace {

std::vector<contender> readers(const std::vector<std::string>& paths, comparison& compared) {
    std::vector<contender> all;
    for (const way& how : input_ways())
        all.push_back({how.group, how.name, [&] {
                           const input_report r = read_all(how, paths);
                           compared.add(how, r.files);
                           return std::vector<double>{r.seconds * 1e3, static_cast<double>(r.page_faults),
                                                      as_mib(r.peak_bytes), as_mib(r.before_bytes)};
                       }});
    return all;
}

std::vector<std::string> describe(const settings& s, const input_files& found, const comparison& compared) {
    return {
        fmt::format("checksum {:016x} over {} files, {:.1f} MiB, below {}", compared.checksum(), compared.compared(),
                    as_mib(compared.compared_bytes()), s.input),
        fmt::format("left out: {} unreadable or gone, {} changed meanwhile, {} empty, {} beyond the limit of {} MiB",
                    found.unreadable + compared.unreadable(), compared.changed(), found.empty, found.past_limit,
                    s.input_limit_mib),
        "peak is of a process of its own for every way and round; before is that process before its first "
        "file"};
}

} // namespace

input_result measure_input(const settings& s, progress& shown) {
    table t{"input", "every file read whole", {}, {}, {}};
    t.columns = {{"ms", "ms"}, {"page_faults", "page faults"}, {"peak_mib", "peak MiB"}, {"before_mib", "before MiB"}};
    shown.step(t.title, "looking for files in " + s.input);
    const input_files found = find_files(s.input, s.input_limit_mib * std::uint64_t{mib});
    comparison compared(found.paths);
    if (!found.paths.empty()) run_in_turn(t, readers(found.paths, compared), s.rounds, shown);
    t.notes = describe(s, found, compared);
    return {std::move(t), compared.mismatches()};
}

} // namespace bench
