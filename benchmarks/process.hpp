// Another program, started and waited for.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace bench {

class process {
public:
    // Starts `program`, which is looked for in PATH unless it has a slash, with `input` as its standard input.
    // `environment` (NAME=value) is put in the place of what this process has under these names; a value of nothing
    // takes the name away. Throws std::system_error when it cannot be started.
    process(const std::string& program, const std::vector<std::string>& arguments, int input,
            const std::vector<std::string>& environment = {});
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process() { wait(); }

    [[nodiscard]] pid_t id() const { return id_; }
    // Empty when it ended with 0, else how it ended.
    std::string wait();

private:
    pid_t id_ = 0;
    bool waited_ = false;
    std::string ending_;
};

} // namespace bench
