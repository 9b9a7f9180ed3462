#include "process.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

std::string_view name_in(std::string_view variable) { return variable.substr(0, variable.find('=')); }

// This process's environment with `changes`.
std::vector<std::string> environment_with(const std::vector<std::string>& changes) {
    std::vector<std::string> all;
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (std::none_of(changes.begin(), changes.end(),
                         [&](const std::string& c) { return name_in(c) == name_in(*variable); }))
            all.emplace_back(*variable);
    for (const auto& change : changes)
        if (!change.ends_with('=')) all.push_back(change);
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

} // namespace

process::process(const std::string& program, const std::vector<std::string>& arguments, int input,
                 const std::vector<std::string>& environment) {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    auto variables = environment_with(environment);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    const int error = ::posix_spawnp(&id_, program.c_str(), &actions, nullptr, pointers_to(words).data(),
                                     pointers_to(variables).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error(error, std::generic_category(), program);
}

std::string process::wait() {
    if (waited_) return ending_;
    waited_ = true;
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0)
        if (errno != EINTR) return ending_ = "could not be waited for";
    if (WIFSIGNALED(status)) ending_ = fmt::format("ended with signal {}", WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) ending_ = fmt::format("ended with {}", WEXITSTATUS(status));
    return ending_;
}

} // namespace bench
