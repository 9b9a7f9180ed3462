// Where the system tells that memory is short; whichever source is there, none is needed:
//   - MEMORY_PRESSURE_WATCH / MEMORY_PRESSURE_WRITE, the convention that systemd documents: a file, FIFO or socket to
//     watch, and what to write into it first, in base64; /dev/null there means "do not watch";
//   - else the process's own cgroup: memory.pressure (v2), memory.pressure_level (v1);
//   - and /proc/pressure/memory.
// They are for housekeeping: a notification comes about two seconds after the onset, too late to prevent a kill.
// Against that the weak step of the ladder stands.
//
// The descriptors are the process's, and the program may close them all (closefrom(3) of a daemon). What it then opens
// under their numbers is its own: we look before each use whether they are still ours, and else never touch them again.
#pragma once

namespace synk::inline v1::detail {

// A descriptor that is readable when one of the sources has fired; -1 when there is none: none was to be had, all have
// ended, or the program has closed them. Opened at the first call.
[[nodiscard]] int pressure_source() noexcept;

// Takes notice of what has fired, so that the descriptor is not readable again until the next time. It cannot tell
// whether anything has: who polls the descriptor takes the notice of /proc/pressure/memory with that.
void acknowledge_pressure() noexcept;

// In the child of a fork: the descriptors are closed and opened anew when needed.
void forget_pressure_sources() noexcept;

} // namespace synk::inline v1::detail
