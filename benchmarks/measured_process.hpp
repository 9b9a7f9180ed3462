// The near end of a measured process (child.hpp), with its memory as seen from outside.
#pragma once

#include "allocators.hpp"
#include "child.hpp"
#include "memory_timeline.hpp"
#include "process.hpp"

namespace bench {

class measured_process {
public:
    // Throws when it cannot be started.
    measured_process(const allocator& a, std::uint64_t seed);
    measured_process(const measured_process&) = delete;
    measured_process& operator=(const measured_process&) = delete;
    ~measured_process();

    // Done when it returns. Throws std::runtime_error when the process has ended instead.
    answer carry_out(const order& o);
    // Reads /proc: the process does nothing for it, and need not run. `held` and `seconds` are the caller's to fill in.
    // Throws std::runtime_error where the system does not tell.
    [[nodiscard]] memory_sample sample() const;
    // Bytes: the most that was ever resident.
    [[nodiscard]] double peak_resident() const;

private:
    class socket_pair {
    public:
        socket_pair();
        socket_pair(const socket_pair&) = delete;
        socket_pair& operator=(const socket_pair&) = delete;
        ~socket_pair();
        void close_far();
        void close_near();
        [[nodiscard]] int near() const { return ends_[0]; }
        [[nodiscard]] int far() const { return ends_[1]; }

    private:
        int ends_[2] = {-1, -1};
    };

    std::string name_;
    socket_pair socket_;
    process child_;
};

} // namespace bench
