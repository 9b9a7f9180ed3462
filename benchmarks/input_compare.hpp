// Do all ways read the same bytes? Every reading is held against the first.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "input_run.hpp"

namespace bench {

class comparison {
public:
    explicit comparison(std::span<const std::string> paths) : paths_(paths) {}

    void add(const way& how, const std::vector<file_report>& files);

    // One line for each way that disagrees with the first reading, with the ways and a file.
    [[nodiscard]] const std::vector<std::string>& mismatches() const { return mismatches_; }
    // Files that a reading could not read, and files that changed between two readings: compared by nobody.
    [[nodiscard]] std::size_t unreadable() const { return unreadable_.size(); }
    [[nodiscard]] std::size_t changed() const { return changed_.size(); }
    // Over all files that every reading could read and that did not change.
    [[nodiscard]] std::uint64_t checksum() const;
    [[nodiscard]] std::size_t compared() const { return paths_.size() - left_out_.size(); }
    [[nodiscard]] std::uint64_t compared_bytes() const;

private:
    [[nodiscard]] bool differs(std::size_t file, const file_report& found);

    std::span<const std::string> paths_;
    std::string first_way_;
    std::vector<file_report> first_;
    std::set<std::size_t> unreadable_; // indices into paths_
    std::set<std::size_t> changed_;
    std::set<std::size_t> left_out_;    // in one of the two, or in both
    std::set<std::string> disagreeing_; // ways that have their line
    std::vector<std::string> mismatches_;
};

} // namespace bench
