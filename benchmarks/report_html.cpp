#include "report.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "allocators.hpp"
#include "compare.hpp"
#include "page_plots.hpp"
#include "page_style.hpp"

namespace bench {
namespace {

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '>')
            safe += "&gt;";
        else if (c == '&')
            safe += "&amp;";
        else if (c == '"')
            safe += "&quot;";
        else
            safe += c;
    }
    return safe;
}

// The page grows as one text; every function adds its part.
class page {
public:
    page(const run& r, std::string scratch) : run_(r), scratch_(std::move(scratch)) {
        begin();
        add_losses();
        add_goals();
        for (const auto& g : page_plots(r)) add_plots(g);
        for (const auto& t : r.tables) add_table(t);
        add_way();
        add("</body>\n</html>\n");
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    template <class... T>
    void add(fmt::format_string<T...> format, T&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<T>(values)...);
    }

    void begin() {
        add("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<title>synk: benchmark</title>\n<style>\n{}</style>\n</head>\n<body>\n",
            page_style);
        add("<h1>What a get and a put cost</h1>\n<p class=\"faint\">synk");
        for (const auto& [name, value] : run_.on)
            if (name != "load before") add("{} {}", name == "synk" ? "" : ", " + escaped(name), escaped(value));
        add(". Medians of {} rounds of {} ms, {:.0f} s in all.</p>\n", run_.asked.rounds, run_.asked.span_ms,
            run_.seconds);
    }

    // What went wrong and where synk loses: before anything else.
    void add_losses() {
        using enum goal::verdict;
        add("<section class=\"card\">\n<h2 style=\"margin-top:0\">Where synk misses a goal or loses</h2>\n");
        for (const auto& m : run_.mismatches)
            add("<p class=\"missed\">Different bytes were read: {}</p>\n", escaped(m));
        const auto lost = [](const goal& g) { return g.is() == missed || g.is() == undecided; };
        if (std::none_of(run_.goals.begin(), run_.goals.end(), lost)) add("<p>Nowhere in this run.</p>\n");
        for (const auto& g : run_.goals)
            if (lost(g)) add_loss(g);
        add("</section>\n");
    }
    void add_loss(const goal& g) {
        add("<p style=\"margin-bottom:0\"><span class=\"{0}\">{0}</span> {1}</p>\n<ul>\n", name_of(g.is()),
            escaped(g.text));
        for (const auto& miss : g.misses) add("<li>{}</li>\n", escaped(miss));
        for (const auto& open : g.undecided)
            add("<li>{} <span class=\"faint\">(undecided: the rounds disagree)</span></li>\n", escaped(open));
        add("</ul>\n");
    }

    void add_goals() {
        add("<h2>Goals</h2>\n<div class=\"scroll\"><table>\n<tr><th class=\"name\">verdict</th><th "
            "class=\"name\">goal</th>"
            "<th class=\"name\">worst case</th><th>cases</th></tr>\n");
        for (const auto& g : run_.goals) {
            std::string verdict = name_of(g.is());
            add("<tr><td class=\"name {}\">{}</td><td class=\"words\">{}</td><td "
                "class=\"words\">{}</td><td>{}</td></tr>\n",
                g.is() == goal::verdict::not_measured ? "faint" : verdict, verdict, escaped(g.text), escaped(g.found),
                g.cases);
        }
        add("</table></div>\n");
    }

    void add_plots(const figure_group& g) {
        add("<h2>{}</h2>\n<p>{}</p>\n", escaped(g.heading), escaped(g.text));
        add_legend(g.legend);
        add("<div class=\"plots\">\n");
        for (const auto& p : g.plots) {
            const auto svg = draw(p, ++plots_, scratch_);
            add("<figure><figcaption>{}</figcaption>{}</figure>\n", escaped(p.title),
                svg.empty() ? "<p class=\"faint\">Not drawn: gnuplot was not there.</p>" : svg);
        }
        add("</div>\n");
    }
    void add_legend(const std::vector<std::string>& names) {
        if (names.empty()) return;
        add("<ul class=\"legend\">");
        for (const auto& name : names)
            add("<li><i style=\"background:{}\"></i>{}</li>", colour_of(name), escaped(name));
        add("</ul>\n");
    }

    void add_table(const table& t) {
        add("<h2>{}</h2>\n<div class=\"scroll\"><table>\n", escaped(t.title));
        if (t.columns.size() == 1)
            add_matrix(t);
        else
            add_flat(t);
        add("</table></div>\n");
        for (const auto& note : t.notes) add("<p class=\"faint\" style=\"margin:0\">{}</p>\n", escaped(note));
    }

    // A line for each group, a column for each row.
    void add_matrix(const table& t) {
        add("<tr><th class=\"name\">{}</th>", escaped(t.columns.front().unit));
        for (const auto& name : t.names()) add("<th>{}</th>", escaped(name));
        add("<th>sized/floor</th><th>sized/best peer</th></tr>\n");
        for (const auto& group : t.groups()) {
            add("<tr><td class=\"name\">{}</td>", escaped(group));
            for (const auto& name : t.names())
                add_value(t, group, name, *t.find(group, name, t.columns.front().key), t.columns.front().key);
            add_standing(t, group, "sized");
            add("</tr>\n");
        }
    }

    // A line for each row, a column for each column.
    void add_flat(const table& t) {
        add("<tr><th class=\"name\"></th>");
        for (const auto& c : t.columns) add("<th>{}</th>", escaped(c.unit));
        add("{}</tr>\n", t.compared.empty() ? "" : "<th>/floor</th><th>/best peer</th>");
        for (const auto& row : t.rows) {
            add("<tr><td class=\"name\">{}{}{}</td>", escaped(row.group), row.group.empty() ? "" : ": ",
                escaped(row.name));
            for (std::size_t i = 0; i < t.columns.size(); ++i)
                add_value(t, row.group, row.name, row.values[i], t.columns[i].key);
            if (!t.compared.empty()) add_standing(t, row.group, row.name);
            add("</tr>\n");
        }
    }

    // The median, and how far the rounds are apart.
    void add_value(const table& t, const std::string& group, const std::string& name, const series& s,
                   const std::string& key) {
        const bool ours = is_synk(name) && key == t.compared;
        const rival best = ours ? best_peer(t, group, key) : rival{};
        const bool lost = best.values != nullptr && ratio(s, *best.values) > 1;
        add("<td{}>{} <small>\u00b1{:.0f}%</small></td>",
            lost   ? " class=\"lost\""
            : ours ? " class=\"synk\""
                   : "",
            figure(s.median()), spread_percent(s) / 2);
    }

    void add_standing(const table& t, const std::string& group, const std::string& name) {
        const series* const s = t.find(group, name, t.compared);
        const rival floor = floor_of(t, group, t.compared);
        const rival best = best_peer(t, group, t.compared);
        if (s == nullptr) return add("<td>-</td><td>-</td>");
        add("<td>{}</td>", floor.values == nullptr ? "-" : figure(ratio(*s, *floor.values)));
        if (best.values == nullptr) return add("<td>-</td>");
        add("<td>{} <small>{}</small></td>", figure(ratio(*s, *best.values)), escaped(best.name));
    }

    void add_way() {
        add("<h2>How it was measured</h2>\n<p>{}</p>\n<ul>\n",
            "Every row runs in a process of its own, one works at a time, all take turns in every round. Smaller "
            "figures "
            "are better; a red one is synk's where a peer is better; \u00b1 is half the distance between the fastest "
            "and "
            "the slowest round; ratios are medians of the rounds' ratios. Time is the processor's, and the wall "
            "clock's "
            "where one thread gets and another one puts. floor is a thread's own stack of pointers for each power of "
            "two, "
            "shared with nobody: the least that any pool can do.");
        for (const auto& way : describe(find_contenders({}))) add("<li>{}</li>\n", escaped(way));
        add("</ul>\n");
    }

    const run& run_;
    std::string scratch_;
    std::string text_;
    unsigned plots_ = 0;
};

} // namespace

void write_page(const run& r, const std::string& path) {
    std::ofstream file(path);
    file << page(r, path).text();
    file.close();
    if (!file) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
}

} // namespace bench
