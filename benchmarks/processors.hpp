// Which processor a row works on. Two of a machine are often not equally fast for seconds on end: where they are
// threads of one core, or belong to a virtual machine, a neighbour may slow one of them down. A row that happens to be
// on it then takes 1.5 times as long as the next one.
#pragma once

namespace bench {

// Processors that this process may use.
[[nodiscard]] unsigned processors();

// The calling thread, and those that it starts from now on, work on the `turn`-th of them, modulo their number; or on
// any. Does nothing where the system refuses it.
void work_on(unsigned turn);
void work_anywhere();

} // namespace bench
