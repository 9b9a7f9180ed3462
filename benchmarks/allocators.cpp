#include "allocators.hpp"

#include <filesystem>

#include <dlfcn.h>
#include <link.h>

namespace bench {
namespace {

// `library` is a file name here. Each runs as it is shipped. jemalloc runs a second time with the thread that its
// manual offers for giving memory back while the program calls nothing: no other one has such a setting.
const allocator peers[] = {
    {"mimalloc", "malloc", "libmimalloc.so.2", ""},
    {"jemalloc", "malloc", "libjemalloc.so.2", ""},
    {"jemalloc+thread", "malloc", "libjemalloc.so.2", "MALLOC_CONF=background_thread:true"},
    {"tcmalloc", "malloc", "libtcmalloc_minimal.so.4", ""},
    {"tbbmalloc", "malloc", "libtbbmalloc_proxy.so.2", ""},
};

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

} // namespace

std::vector<allocator> find_allocators() {
    std::vector<allocator> found{{"synk", "synk", "", ""}, {"glibc", "malloc", "", ""}};
    const auto directories = library_directories();
    for (allocator a : peers) {
        a.library = find_library(directories, a.library);
        if (!a.library.empty()) found.push_back(std::move(a));
    }
    return found;
}

} // namespace bench
