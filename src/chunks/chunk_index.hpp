// Which chunks there are, and which of them have a free run of which length.
//
// The index has every chunk under the class of its longest free run. Whoever changes a chunk's pages calls relist()
// afterwards. Claim: a chunk with a free run that stays free is listed under its class once everybody has returned.
// relist() measures, enters the chunk under what it found, takes it out of where it was, and measures again: if a page
// was freed between its measuring and its taking out, then either the freeing thread enters the chunk later than we
// take it out, or we see the freed page when we measure again (both sides are seq_cst: page_bitmap's F1 and loads,
// id_set's operations).
// A chunk may stand under more classes than one for a while; who finds it under a wrong one takes it out there.
#pragma once

#include <cstddef>

#include "base/zeroed.hpp"
#include "chunks/chunk.hpp"
#include "chunks/id_set.hpp"
#include "chunks/slot_table.hpp"

namespace synk::inline v1::detail {

inline constexpr unsigned max_chunks = 1U << 20; // 4 TiB
inline constexpr unsigned whole_class = chunk_class_count - 1;

using chunk_set = id_set<max_chunks>;

extern constinit zeroed<slot_table<chunk, max_chunks>> chunks;
extern constinit zeroed<chunk_set> chunks_by_class[chunk_class_count];
extern constinit zeroed<chunk_set> warm_chunks; // those that may have free resident pages

// Returns the class that the chunk is listed under now; chunk::unlisted when it has no free page.
unsigned relist(chunk& c) noexcept;

// Takes a chunk out of a class where it no longer belongs.
void unlist(chunk& c, unsigned cls) noexcept;

// Whether a page of the chunk is free and resident, as it looks now.
[[nodiscard]] bool has_idle(const chunk& c) noexcept;

// After pages of a member of warm_chunks were claimed or lost their memory: takes it out if it has_idle() no more. Or
// who looks for resident pages would find it first each time.
void leave_warm_if_cold(chunk& c) noexcept;

struct found_chunk {
    chunk* c = nullptr;
    unsigned cls = 0;
};

// The chunk with the shortest longest run that suffices, the lowest of those: so full chunks fill and others empty. But
// one with resident free pages comes before one without.
[[nodiscard]] found_chunk find_chunk(unsigned cls) noexcept;

// Claims exactly this run, or nothing. On the way to nothing pages may have been held that others then took for owned
// when they measured, or looked for resident ones: so it is a change of the chunk's pages, too.
[[nodiscard]] bool claim_run(chunk& c, page_run run) noexcept;

// Claims n pages out of the shortest free run that holds them, all of them resident or any; none when there is none.
// relist() is the caller's to do.
enum class memory_behind { all, any };
[[nodiscard]] page_run claim_pages(chunk& c, unsigned n, memory_behind which) noexcept;

// A run that the caller owns is free again. Returns what relist() does.
unsigned free_run(chunk& c, page_run run) noexcept;

// The pool's own account of pages does not add up.
[[noreturn, gnu::cold]] void fail_record(const std::byte* data) noexcept;
// There is no record of a block, or not the right one, where a handle says that its block is: the block is free, or
// another owner's, or something has written into the record.
[[noreturn, gnu::cold]] void fail_wrong_record(const char* verb, const chunk& c, const std::byte* data) noexcept;

} // namespace synk::inline v1::detail
