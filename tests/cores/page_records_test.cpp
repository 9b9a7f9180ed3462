// Where the record of a page stands. No address here is ever touched.
#include "chunks/page_records.hpp"

#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "support/units.hpp"

namespace {

using namespace synk::detail;
using synk_test::gib;

const std::byte* pointer_to(std::uintptr_t address) { return reinterpret_cast<const std::byte*>(address); }

class PageRecords : public testing::Test {
protected:
    static constexpr std::uintptr_t first = std::uintptr_t{1} << 46;
    static constexpr std::uintptr_t chunk_pages = chunk_size / page_size;

    std::unique_ptr<page_records> records_ = std::make_unique<page_records>();
};

TEST_F(PageRecords, OfThePagesOfAChunkFollowEachOther) {
    page_record* const of_first = records_->of_chunk(pointer_to(first));
    ASSERT_NE(of_first, nullptr);
    for (std::uintptr_t page = 0; page < chunk_pages; ++page)
        EXPECT_EQ(records_->find(pointer_to(first + page * page_size)), of_first + page);
}

TEST_F(PageRecords, OfChunksNearTheFirstAreTheirsAlone) {
    page_record* const of_first = records_->of_chunk(pointer_to(first));
    for (const std::uintptr_t distance : {chunk_size, std::uintptr_t{1} * gib, std::uintptr_t{11} * gib})
        EXPECT_EQ(records_->of_chunk(pointer_to(first - distance)), of_first - distance / page_size) << distance;
    for (const std::uintptr_t distance : {chunk_size, std::uintptr_t{3} * gib})
        EXPECT_EQ(records_->of_chunk(pointer_to(first + distance)), of_first + distance / page_size) << distance;
    EXPECT_EQ(records_->of_chunk(pointer_to(first)), of_first) << "once chosen it stays";
}

TEST_F(PageRecords, AreNoneFarFromTheFirst) {
    ASSERT_NE(records_->of_chunk(pointer_to(first)), nullptr);
    for (const std::uintptr_t far : {first - 13 * gib, first + 5 * gib, first - 200 * gib, std::uintptr_t{chunk_size}})
        EXPECT_EQ(records_->of_chunk(pointer_to(far)), nullptr) << std::hex << far;
    for (const std::uintptr_t nowhere : {std::uintptr_t{0}, ~std::uintptr_t{0}, first + page_size + 1, first + 1})
        EXPECT_EQ(records_->find(pointer_to(nowhere)), nullptr) << std::hex << nowhere;
}

TEST_F(PageRecords, SayNothingBeforeThereIsAChunk) {
    for (const std::uintptr_t address : {std::uintptr_t{0}, std::uintptr_t{page_size}, first}) {
        const page_record* const record = records_->find(pointer_to(address));
        EXPECT_TRUE(record == nullptr || record->load() == 0) << std::hex << address;
    }
}

// Where the first near address would be 0, which says that none is chosen yet.
TEST_F(PageRecords, AreChosenOnceWhereverTheFirstChunkLies) {
    page_record* const of_first = records_->of_chunk(pointer_to(12 * gib));
    ASSERT_NE(of_first, nullptr);
    EXPECT_EQ(records_->of_chunk(pointer_to(11 * gib)), of_first - gib / page_size);
    EXPECT_EQ(records_->find(pointer_to(12 * gib)), of_first);
}

} // namespace
