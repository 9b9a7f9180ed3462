// Whether a get that its cache cannot serve is served by memory that is new, or out of what lies idle.
//
// Idle memory comes first: longer blocks are cut up or lent as they are, pieces are put together. But a thread whose
// gets keep cutting up the blocks that its next gets want, or keep taking longer ones than they need, works against
// itself: after some rounds of that it is served by new memory instead, as long as half of the budget is free (an
// eighth, for a thread that has most of what is idle itself). One cut, or a few, are what splitting is for.
//
// Where pieces can be put together they are, growth being due or not: a block that was split is whole again once they
// are idle. But that empties caches, so that what the thread asks for next is cut off what has just come together, and
// it would go on so for ever. So what is new comes with the next get of a quarter as much or less.
//
// Beside much that is lent little may lie idle (idle_allowance), as what lies idle between lent blocks is mostly in
// pieces too short to be of use. Where more does, memory that comes into use is paid for: as much idle memory is given
// back, but for what a get brings beside its block, as the rest of a huge page. It may have been just what the thread's
// next gets want, and it would pay for those in turn: so this is a working against itself, too, and after some rounds
// more the thread may keep what it has. And pieces that lie idle in its cache are free pages to nobody, so that it has
// to pay for longer runs than there would be: after it has paid, its next misses put such pieces together first.
//
// Thread safety: each thread does its own accounts.
#pragma once

#include "cache/thread_caches.hpp"
#include "shared/shared_store.hpp"

namespace synk::inline v1::detail::growth {

// Bytes in users' hands: what is reserved from the budget is idle, but for what is known to be mere room. What hits got
// otherwise it does not see. A recent value.
[[nodiscard]] std::size_t lent_bytes(std::size_t room = 0) noexcept;

// Bytes that may lie idle before new ones are paid for: all of idle_limit while up to half as much is lent, and less
// the more is lent; a 1024th of it in the end.
[[nodiscard]] std::size_t idle_allowance() noexcept;

// More lies idle than that: what comes into use is paid for.
[[nodiscard]] bool has_to_pay() noexcept;

// Whether the calling thread's miss is one of those, of which it takes note, and there is still something to pay.
[[nodiscard]] bool gathers_first() noexcept;

// Hardly anything more may lie idle, so memory that comes into use soon pushes out what is idle.
[[nodiscard]] bool is_short() noexcept;

// Whether most of what may lie idle does, beside little that is lent: a longer block had better be lent as it is than
// be cut up, as it will be wanted again, and nobody needs what would be left over. But now and then, not this time, it
// is cut all the same, so that a thread which keeps wanting this length comes to have it: to be asked once a get, as it
// counts.
enum class longer { no, yes, not_this_time };
[[nodiscard]] longer may_lend_longer() noexcept;

// The calling thread has worked against itself long enough: what it asks for may be new.
[[nodiscard]] bool is_due() noexcept;

// When it had, pieces were put together for it, to a block of this class. Then whether a get of a class that its cache
// cannot serve had better be new than be cut off what is idle.
void note_put_together(unsigned cls) noexcept;
[[nodiscard]] bool is_overdue(unsigned cls) noexcept;

// An idle block was cut up, or a longer one taken, for the calling thread.
void note_eviction() noexcept;

// This was found for the calling thread, in memory that is new to the pool or in what the pool had.
enum class memory { new_to_pool, known };
void account_for(const found_blocks& found, memory from) noexcept;

} // namespace synk::inline v1::detail::growth
