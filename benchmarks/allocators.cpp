#include "allocators.hpp"

#include <algorithm>
#include <filesystem>

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

namespace bench {
namespace {

// `library` is a file name here. Those that have functions of their own beside malloc are called by these; the others
// stand in the place of malloc, which is the only way that they offer. Both are one call through a pointer that the
// dynamic linker has filled in.
const allocator libraries[] = {
    {"mimalloc", "own", "libmimalloc.so.2", "", "mi_malloc", "mi_free"},
    {"jemalloc", "malloc", "libjemalloc.so.2", "", "", ""},
    {"tcmalloc", "malloc", "libtcmalloc_minimal.so.4", "", "", ""},
    {"tbbmalloc", "own", "libtbbmalloc.so.2", "", "scalable_malloc", "scalable_free"},
};
const allocator glibc{"glibc", "malloc", "", "", "", ""};
const allocator pmr{"pmr pool", "pmr pool", "", "", "", ""};
constexpr const char* jemalloc_thread = "MALLOC_CONF=background_thread:true";

// Where the dynamic linker looks, as it says itself.
std::vector<std::string> library_directories() {
    Dl_serinfo size{};
    void* const program = ::dlopen(nullptr, RTLD_LAZY);
    if (program == nullptr || ::dlinfo(program, RTLD_DI_SERINFOSIZE, &size) != 0) return {};
    std::vector<char> memory(size.dls_size);
    auto* const info = reinterpret_cast<Dl_serinfo*>(memory.data());
    if (::dlinfo(program, RTLD_DI_SERINFOSIZE, info) != 0 || ::dlinfo(program, RTLD_DI_SERINFO, info) != 0) return {};
    std::vector<std::string> directories;
    for (unsigned i = 0; i < info->dls_cnt; ++i) directories.emplace_back(info->dls_serpath[i].dls_name);
    directories.emplace_back("/usr/local/lib");
    return directories;
}

// Empty when it is in none of them.
std::string find_library(const std::vector<std::string>& directories, const std::string& file) {
    for (const auto& directory : directories) {
        auto path = std::filesystem::path(directory) / file;
        std::error_code ignored;
        if (std::filesystem::exists(path, ignored)) return path;
    }
    return {};
}

std::vector<allocator> find_libraries() {
    std::vector<allocator> found;
    const auto directories = library_directories();
    for (allocator a : libraries) {
        a.library = find_library(directories, a.library);
        if (!a.library.empty()) found.push_back(std::move(a));
    }
    return found;
}

} // namespace

std::vector<allocator> find_allocators() {
    std::vector<allocator> found{{"synk", "sized", "", "", "", ""}, glibc};
    for (const allocator& a : find_libraries()) {
        found.push_back(a);
        if (a.name == "jemalloc") found.push_back({"jemalloc+thread", a.row, a.library, jemalloc_thread, "", ""});
    }
    return found;
}

std::vector<allocator> find_contenders(std::span<const std::string_view> rows) {
    std::vector<allocator> found;
    for (const auto& row : rows) found.push_back({std::string(row), std::string(row), "", "", "", ""});
    found.push_back(glibc);
    for (allocator& a : find_libraries()) found.push_back(std::move(a));
    found.push_back(pmr);
    return found;
}

std::vector<std::string> describe(const std::vector<allocator>& all) {
    std::vector<std::string> notes;
    for (const allocator& a : all) {
        if (a.library.empty()) continue;
        const auto file = std::filesystem::path(a.library).filename().string();
        notes.push_back(a.get.empty() ? fmt::format("{}: {} preloaded in the place of malloc{}{}", a.name, file,
                                                    a.environment.empty() ? "" : ", ", a.environment)
                                      : fmt::format("{}: {} and {} of {}", a.name, a.get, a.put, file));
    }
    return notes;
}

bool is_peer(std::string_view name) {
    const auto is = [name](const allocator& a) { return a.name == name; };
    return is(glibc) || is(pmr) || name == "jemalloc+thread" ||
           std::any_of(std::begin(libraries), std::end(libraries), is);
}

} // namespace bench
