// What can be set, and what it does.
#pragma once

#include <cstddef>

#include <synk/detail/config.hpp>

namespace synk {
inline namespace v1 {

// Huge pages (2 MiB) for the pool's own mappings, by madvise.
enum class huge_pages {
    automatic, // where a mapping is likely to be used in full: large blocks, and chunks from the second on
    on,        // for every mapping
    off        // for none; the system's own setting holds
};

struct options {
    // Bytes: the most that may lie idle and resident in the pool, the caches of all threads included. What
    // does not fit goes back to the system at once. 0 keeps nothing. Default 128 MiB.
    std::size_t idle_limit = std::size_t{128} << 20;
    huge_pages huge = huge_pages::automatic;
    // Every get hands out zeros. Costs a memset of the requested size.
    bool zero_on_get = false;
    // Every put overwrites the whole block with zeros before anybody else can get it: for secrets.
    bool clear_on_put = false;
};

// Sets the options for the whole process, from now on; may be called at any time and from any thread. What
// lies idle beyond a lowered idle_limit is given back before it returns. Throws std::invalid_argument with
// the name of the option and its range when a value is outside of it, and then changes nothing.
SYNK_API void configure(const options& wanted);
// The options in force.
[[nodiscard]] SYNK_API options current_options() noexcept;

// Gives idle memory back to the system, the caches of other threads included, until at most `keep` bytes lie
// idle and resident; done when it returns. Returns how many bytes it gave back. A thread that is inside a get
// or put at that moment keeps its cache until its next slow path.
SYNK_API std::size_t trim(std::size_t keep = 0) noexcept;

} // namespace v1
} // namespace synk
