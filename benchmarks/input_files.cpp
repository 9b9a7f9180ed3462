#include "input_files.hpp"

#include <filesystem>

namespace bench {
namespace {

namespace fs = std::filesystem;

// Takes the file when it is one, and when it fits.
void consider(const fs::directory_entry& entry, std::uint64_t limit, input_files& found) {
    std::error_code error;
    if (!fs::is_regular_file(entry.symlink_status(error))) {
        if (error) ++found.unreadable;
        return;
    }
    const std::uint64_t size = entry.file_size(error);
    if (error) {
        ++found.unreadable;
    } else if (size == 0) {
        ++found.empty;
    } else if (size > limit - found.bytes) {
        ++found.past_limit;
    } else {
        found.paths.push_back(entry.path());
        found.bytes += size;
    }
}

// What is below a directory, depth first; a directory that cannot be opened is counted and left out.
void walk(const fs::path& directory, std::uint64_t limit, input_files& found) {
    std::error_code error;
    fs::directory_iterator at(directory, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
        if (limit - found.bytes <= limit / 1000) return;
        std::error_code ignored;
        if (fs::is_directory(at->symlink_status(ignored)))
            walk(at->path(), limit, found);
        else
            consider(*at, limit, found);
    }
    if (error) ++found.unreadable;
}

} // namespace

input_files find_files(const std::string& directory, std::uint64_t limit) {
    input_files found;
    walk(directory, limit, found);
    return found;
}

} // namespace bench
