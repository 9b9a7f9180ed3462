// From a pointer to what the pool knows about its 4 MiB of addresses. No address here is ever touched.
#include "chunks/address_map.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "chunks/chunk.hpp"
#include "large/large_store.hpp"
#include "support/effort.hpp"
#include "support/system_that_refuses.hpp"
#include "support/threads.hpp"

namespace {

using namespace synk::detail;

constexpr std::uintptr_t leaf_bytes = std::uintptr_t{1} << 35; // what one leaf of the table covers
constexpr std::uintptr_t address_end = std::uintptr_t{1} << 48;

std::byte* at(std::uintptr_t address) { return reinterpret_cast<std::byte*>(address); }

class AddressMap : public testing::Test {
protected:
    void expect_nobody(std::uintptr_t address) const {
        EXPECT_EQ(map_->find(at(address)).as_chunk(), nullptr) << std::hex << address;
        EXPECT_EQ(map_->find(at(address)).as_large(), nullptr) << std::hex << address;
    }
    void expect_chunk(std::uintptr_t address, const chunk& c) const {
        EXPECT_EQ(map_->find(at(address)).as_chunk(), &c) << std::hex << address;
        EXPECT_EQ(map_->find(at(address)).as_large(), nullptr) << std::hex << address;
    }
    void expect_large(std::uintptr_t address, const large_block& l) const {
        EXPECT_EQ(map_->find(at(address)).as_chunk(), nullptr) << std::hex << address;
        EXPECT_EQ(map_->find(at(address)).as_large(), &l) << std::hex << address;
    }

    std::unique_ptr<address_map> map_ = std::make_unique<address_map>();
    std::unique_ptr<chunk> chunk_ = std::make_unique<chunk>(0U);
    large_block large_{0};
};

TEST_F(AddressMap, KnowsNobodyAtFirst) {
    for (const std::uintptr_t address : {std::uintptr_t{0}, std::uintptr_t{4096}, leaf_bytes - 1, leaf_bytes,
                                         address_end - 1, address_end, ~std::uintptr_t{0}})
        expect_nobody(address);
}

TEST_F(AddressMap, FindsAChunkFromEveryByteOfItAndFromNoOther) {
    for (const std::uintptr_t start : {std::uintptr_t{0}, std::uintptr_t{chunk_size}, leaf_bytes - chunk_size,
                                       leaf_bytes, address_end - chunk_size}) {
        ASSERT_TRUE(map_->set(at(start), chunk_size, place_owner(chunk_.get())));
        expect_chunk(start, *chunk_);
        expect_chunk(start + 1, *chunk_);
        expect_chunk(start + chunk_size - 1, *chunk_);
        if (start != 0) expect_nobody(start - 1);
        expect_nobody(start + chunk_size);
        map_->clear(at(start), chunk_size);
        expect_nobody(start);
        expect_nobody(start + chunk_size - 1);
    }
}

TEST_F(AddressMap, FindsALargeBlockFromAllItsPlaces) {
    constexpr std::size_t size = 10 * chunk_size + page_size; // the last place is used in part
    const std::uintptr_t start = leaf_bytes - 5 * chunk_size; // across two leaves
    ASSERT_TRUE(map_->set(at(start), size, place_owner(&large_)));
    for (std::uintptr_t offset = 0; offset < size; offset += page_size) expect_large(start + offset, large_);
    expect_nobody(start - 1);
    expect_nobody(start + 11 * chunk_size);
    map_->clear(at(start), size);
    for (std::uintptr_t offset = 0; offset < 11 * chunk_size; offset += chunk_size) expect_nobody(start + offset);
}

TEST_F(AddressMap, RefusesWhatDoesNotLieInUserSpace) {
    EXPECT_FALSE(map_->set(at(address_end), chunk_size, place_owner(chunk_.get())));
    EXPECT_FALSE(map_->set(at(address_end - chunk_size), 2 * chunk_size, place_owner(chunk_.get())));
    expect_nobody(address_end - chunk_size);
}

TEST_F(AddressMap, EntersNothingWhenThereIsNoMemoryForItsTable) {
    constexpr std::uintptr_t start =
        9 * leaf_bytes - chunk_size; // the first place finds its leaf, the second needs one
    ASSERT_TRUE(map_->set(at(start - chunk_size), chunk_size, place_owner(chunk_.get())));
    // Memory for records comes in slabs of 1 MiB: use up what is left of the current one.
    const synk_test::system_that_refuses system({.map = true});
    while (take_record_memory(64) != nullptr) {
    }
    EXPECT_FALSE(map_->set(at(start), 2 * chunk_size, place_owner(&large_)));
    expect_nobody(start);
    expect_nobody(start + chunk_size);
    expect_chunk(start - chunk_size, *chunk_);
    EXPECT_GT(system.count(), 0U);
}

// Threads enter, find and clear neighbouring places, and make the leaves for them at the same time.
TEST_F(AddressMap, ThreadsDoNotDisturbEachOther) {
    constexpr unsigned threads = 4;
    std::vector<std::unique_ptr<large_block>> owners;
    for (unsigned i = 0; i < threads; ++i) owners.push_back(std::make_unique<large_block>(i));
    synk_test::run_threads(threads, [&](unsigned i) {
        for (std::uintptr_t round = 0; round < synk_test::effort(200'000); ++round) {
            const std::uintptr_t start = (round % 64) * leaf_bytes + i * chunk_size;
            if (!map_->set(at(start), chunk_size, place_owner(owners[i].get()))) ADD_FAILURE() << "no memory";
            if (map_->find(at(start)).as_large() != owners[i].get()) ADD_FAILURE() << "an entry was lost";
            if (round % 64 % 3 == 0) map_->clear(at(start), chunk_size);
        }
    });
    for (unsigned i = 0; i < threads; ++i) expect_large(leaf_bytes * 2 + i * chunk_size, *owners[i]);
}

} // namespace
