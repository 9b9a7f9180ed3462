// The table of records under every interleaving: a record has one owner, who sees it as it was made or left.
#include <gtest/gtest.h>

#include "chunks/slot_table.hpp"
#include "explorer/mutants.hpp"
#include "explorer/payloads.hpp"

namespace {

using namespace synk_explorer;

// Memory that is new in every schedule, as the table wants it: records in it were never made.
constexpr unsigned most_segments = 6;
struct record {
    explicit record(unsigned number) : id(number) { ready = 1; }
    unsigned id;
    plain<int> ready; // plain as the members of a chunk's record that its maker wrote
    plain<int> owner;
};
alignas(64) std::byte segments[most_segments][sizeof(record) * 64];
unsigned segments_used = 0;
bool no_memory = false;

} // namespace

namespace synk::inline v1::detail {
// In place of the record store's.
void* take_record_memory(std::size_t size) noexcept {
    if (no_memory || segments_used == most_segments || size > sizeof(segments[0])) return nullptr;
    return segments[segments_used++];
}
} // namespace synk::inline v1::detail

namespace {

template <unsigned Capacity>
struct table {
    using slots = synk::detail::slot_table<record, Capacity>;
    slots records;
    unsigned taken[4]{};
    table() {
        segments_used = 0;
        no_memory = false;
    }

    record* take(unsigned self) {
        record* const r = records.take();
        if (r == nullptr) return nullptr;
        require(r->id < Capacity && records.at(r->id) == r, "a record is not where its id says");
        require(r->ready == 1, "a record is not made yet");
        r->owner = static_cast<int>(self);
        ++taken[self];
        return r;
    }
    void give_back(record* r) {
        if (r == nullptr) return;
        r->owner = -1;
        records.give_back(*r);
    }
    // All records are there again.
    void expect_all_free() {
        unsigned free = 0;
        while (records.take() != nullptr && free <= Capacity) ++free;
        require(free == Capacity, "a record is lost, or there twice");
    }
};

struct take_and_give : table<2> {
    static constexpr unsigned threads = 3;
    void thread(unsigned i) {
        give_back(take(i));
        give_back(take(i));
    }
    void finish() {
        require(records.limit() <= 2, "more ids than there are");
        expect_all_free();
    }
};

// Two find no segment and make one each: one is used, whoever takes from it or finds a record by its id.
struct first_segment : table<64> {
    static constexpr unsigned threads = 4;
    void thread(unsigned i) {
        if (i < 3) {
            static_cast<void>(take(i));
        } else {
            for (unsigned id = 0; id < records.limit(); ++id)
                if (record* const r = records.at(id); r != nullptr) require(r->ready == 1, "a record is not made yet");
        }
    }
    void finish() {
        require(taken[0] + taken[1] + taken[2] == 3, "no record though there are some");
        require(records.limit() == 3, "an id is skipped");
    }
};

// More want one than there are: some get none, and nothing is lost by it.
struct too_few : table<2> {
    static constexpr unsigned threads = 4;
    void thread(unsigned i) { static_cast<void>(take(i)); }
    void finish() {
        require(taken[0] + taken[1] + taken[2] + taken[3] == 2, "not as many records as there are");
        require(records.limit() == 2, "more ids than there are");
        give_back(records.at(0));
        give_back(records.at(1));
        expect_all_free();
    }
};

struct without_memory : table<2> {
    static constexpr unsigned threads = 2;
    without_memory() { no_memory = true; }
    void thread(unsigned) { require(records.take() == nullptr, "a record without memory"); }
    void finish() {
        no_memory = false;
        expect_all_free();
    }
};

const std::vector<program> worlds{program_of<take_and_give>("records"), program_of<first_segment>("records_first"),
                                  program_of<too_few>("records_too_few"),
                                  program_of<without_memory>("records_without_memory")};

TEST(SlotTable, KeepsItsPromises) {
    for (const program& p : worlds) EXPECT_EQ(broken(p, {2, 1}), "");
}

TEST(SlotTable, MutantsAreFound) {
    const std::vector<equivalent> listed{
        {"next_.fetch_sub(1", "dropped",
         "not seen here: the count would wrap when 2^32 takes have failed, and hand ids out twice"}};
    EXPECT_EQ(survivors(worlds, "chunks/slot_table.hpp", listed), "");
}

} // namespace
