#include "input_compare.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "digest.hpp"

namespace bench {
namespace {

std::string full_name(const way& how) { return fmt::format("{} ({})", how.name, how.group); }

} // namespace

// Counts the file when it cannot be compared.
bool comparison::differs(std::size_t file, const file_report& found) {
    const file_report& expected = first_[file];
    if (found.unreadable || expected.unreadable)
        unreadable_.insert(file);
    else if (!found.same_file(expected))
        changed_.insert(file);
    else
        return !found.same_contents(expected);
    left_out_.insert(file);
    return false;
}

void comparison::add(const way& how, const std::vector<file_report>& files) {
    if (first_.empty()) {
        first_ = files;
        first_way_ = full_name(how);
    }
    std::vector<std::size_t> different;
    for (std::size_t i = 0; i < files.size(); ++i)
        if (differs(i, files[i])) different.push_back(i);
    if (different.empty() || !disagreeing_.insert(full_name(how)).second) return;
    const std::size_t one = different.front();
    mismatches_.push_back(fmt::format("{} and {} differ in {} files, one is {} ({} and {} bytes of {})", full_name(how),
                                      first_way_, different.size(), paths_[one], files[one].read.bytes,
                                      first_[one].read.bytes, first_[one].length));
}

std::uint64_t comparison::checksum() const {
    std::uint64_t all = digest_start;
    for (std::size_t i = 0; i < first_.size(); ++i)
        if (!left_out_.contains(i)) all = add_to_digest(all, first_[i].read.digest);
    return all;
}

std::uint64_t comparison::compared_bytes() const {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < first_.size(); ++i)
        if (!left_out_.contains(i)) bytes += first_[i].read.bytes;
    return bytes;
}

} // namespace bench
