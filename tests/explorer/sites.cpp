#include "explorer/sites.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace synk_explorer {

site& site_table::enter(std::size_t slot, const std::source_location& where) noexcept {
    if (count_ == sites_.size()) {
        std::fputs("the explorer's table of sites is too small\n", stderr);
        std::abort();
    }
    site& s = sites_[count_++];
    s.where = where;
    used_[slot] = &s;
    return s;
}

std::vector<site*> site_table::all() {
    std::vector<site*> result;
    for (std::size_t i = 0; i < count_; ++i) result.push_back(&sites_[i]);
    return result;
}

void site_table::forget_visits() noexcept {
    for (std::size_t i = 0; i < count_; ++i) sites_[i].visits = 0;
}

namespace {

using orders = std::vector<std::memory_order>;

// The next weaker orders that mean something for this kind of operation, and relaxed.
orders weaker(operation kind, std::memory_order order) {
    constexpr auto relaxed = std::memory_order_relaxed;
    switch (order) {
    case std::memory_order_acq_rel:
        return {std::memory_order_acquire, std::memory_order_release};
    case std::memory_order_acquire:
    case std::memory_order_release:
        return {relaxed};
    case std::memory_order_seq_cst:
        break;
    default:
        return {};
    }
    if (kind == operation::load || kind == operation::wait) return {std::memory_order_acquire, relaxed};
    if (kind == operation::store) return {std::memory_order_release, relaxed};
    return {std::memory_order_acq_rel, relaxed};
}

bool writes(operation kind) { return kind != operation::load && kind != operation::wait; }

} // namespace

std::vector<mutation> mutations_of(const site& s) {
    std::vector<mutation> result;
    for (const auto order : weaker(s.kind, s.order)) result.push_back({change::order, order});
    if (s.kind == operation::compare_exchange) {
        for (const auto order : weaker(operation::load, s.failure_order))
            result.push_back({change::failure_order, order});
        result.push_back({change::blind});
    }
    if (s.kind == operation::compare_exchange || s.kind == operation::modify) result.push_back({change::split});
    if (writes(s.kind)) result.push_back({change::dropped});
    return result;
}

const char* name_of(std::memory_order order) noexcept {
    switch (order) {
    case std::memory_order_relaxed:
        return "relaxed";
    case std::memory_order_consume:
        return "consume";
    case std::memory_order_acquire:
        return "acquire";
    case std::memory_order_release:
        return "release";
    case std::memory_order_acq_rel:
        return "acq_rel";
    case std::memory_order_seq_cst:
        return "seq_cst";
    }
    return "?";
}

const char* name_of(operation kind) noexcept {
    switch (kind) {
    case operation::load:
        return "load";
    case operation::store:
        return "store";
    case operation::modify:
        return "modify";
    case operation::compare_exchange:
        return "compare_exchange";
    case operation::wait:
        return "wait";
    case operation::notify:
        return "notify";
    case operation::fence:
        return "fence";
    case operation::light:
        return "compiler barrier";
    case operation::heavy:
        return "membarrier";
    }
    return "?";
}

std::string name_of(const mutation& m) {
    switch (m.what) {
    case change::none:
        return "unchanged";
    case change::order:
        return name_of(m.order);
    case change::failure_order:
        return std::string(name_of(m.order)) + " on failure";
    case change::blind:
        return "blind";
    case change::split:
        return "split";
    case change::dropped:
        return "dropped";
    }
    return "?";
}

std::string file_and_line(const std::source_location& where) {
    std::string_view file = where.file_name();
    if (const auto slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
    return std::string(file) + ":" + std::to_string(where.line());
}

std::string text_of(const std::source_location& where) {
    std::ifstream source(where.file_name());
    std::string line;
    for (unsigned i = 0; i < where.line() && std::getline(source, line); ++i) {
    }
    const auto first = line.find_first_not_of(' ');
    return first == line.npos ? std::string() : line.substr(first);
}

} // namespace synk_explorer
