// Somebody has written into the pool's own records: it ends loudly, before a byte of the wrong block is handed out.
//
// ctest-variants: plain asan
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "chunks/address_map.hpp"
#include "chunks/chunk.hpp"
#include "large/large_store.hpp"
#include "support/child.hpp"
#include "support/no_ageing.hpp"
#include "support/units.hpp"

namespace {

using namespace synk::detail;
using synk_test::dies_naming;
using synk_test::mib;

constexpr const char* corrupted = "corrupted";

atomic<std::uint32_t>& record_of(void* p) {
    chunk& c = *places.find(p).as_chunk();
    return c.record(c.page_of(p));
}

large_block& large_record_of(void* p) { return *places.find(p).as_large(); }

// Damages that a stray write could do to a record.
struct damage {
    const char* name;
    std::uint32_t (*done_to)(std::uint32_t record);
};
std::ostream& operator<<(std::ostream& out, const damage& shown) { return out << shown.name; }
constexpr damage damages[] = {
    {"zeroed", [](std::uint32_t) { return 0U; }},
    {"all ones", [](std::uint32_t) { return ~0U; }},
    {"no seal", [](std::uint32_t record) { return record & 0xFFFF; }},
    {"a bit of the seal", [](std::uint32_t record) { return record ^ 1U << 20; }},
    {"another class", [](std::uint32_t record) { return record + 4; }},
    {"another lender", [](std::uint32_t record) { return record ^ 1U << 9; }},
    {"a class that does not exist", [](std::uint32_t record) { return (record & ~0x3FU) | 50U; }},
    {"class zero, which means none", [](std::uint32_t record) { return record & ~0x3FU; }},
};

class DamagedRecord : public testing::TestWithParam<damage> {
protected:
    static void hurt(void* p) { record_of(p).store(GetParam().done_to(record_of(p).load())); }
};

// Two blocks, so that the first record that is whole is another block's.
TEST_P(DamagedRecord, IsFoundWhenABarePointerIsPut) {
    void* const whole = synk_get(5000);
    void* const p = synk_get(5000);
    EXPECT_TRUE(dies_naming(p, corrupted, [=] {
        hurt(p);
        synk_put(p);
    }));
    synk_put(p);
    synk_put(whole);
}

TEST_P(DamagedRecord, IsFoundWhenItsBlockIsLentAgain) {
    void* const p = synk_get(5000);
    synk_put(p);
    EXPECT_TRUE(dies_naming(p, corrupted, [=] {
        hurt(p);
        static_cast<void>(synk_get(5000));
    }));
}

TEST_P(DamagedRecord, IsFoundWhenItsPagesAreFreed) {
    auto handle = synk::get_sized_pool().get_sized(5000);
    EXPECT_TRUE(dies_naming(handle.data(), corrupted, [&] {
        hurt(handle.data());
        handle.reset();
        synk::trim();
    }));
}

INSTANTIATE_TEST_SUITE_P(Damages, DamagedRecord, testing::ValuesIn(damages), [](const auto& test) {
    std::string name;
    for (const char c : std::string_view(test.param.name)) name += c == ' ' || c == ',' ? '_' : c;
    return name;
});

// By the put of a pointer that was lent so, of whichever bit: put_bias.hpp tells lenders apart by more than their
// number.
TEST(LentRecord, AnyBitThatIsAnotherIsFound) {
    for (const std::size_t n : {std::size_t{5000}, 9 * mib}) {
        void* const p = synk_get(n);
        const bool large = places.find(p).as_chunk() == nullptr;
        for (unsigned bit = 0; bit < 32; ++bit) {
            if (!large && 1U << bit == block_record::held_bit) continue; // the quarantine's, which is no part of it
            EXPECT_TRUE(dies_naming(p, corrupted,
                                    [&] {
                                        auto& record = large ? large_record_of(p).record : record_of(p);
                                        record.store(record.load() ^ 1U << bit);
                                        synk_put(p);
                                    }))
                << n << " bytes, bit " << bit;
        }
        synk_put(p);
    }
}

// Of all page numbers that a seal can tell apart: no seal is zero, and none fits another class on its page, or its
// class on another page of the chunk.
TEST(Seal, IsThatOfOnePageAndOneClass) {
    const auto page = [](std::uintptr_t number) { return reinterpret_cast<std::byte*>(number * page_size); };
    for (std::uintptr_t number = 0; number < (1U << 15); ++number)
        for (unsigned cls = 0; cls < chunk_class_count; ++cls) {
            const std::uint32_t record = block_record(cls, page(number)).value();
            ASSERT_NE(record >> 16, 0U) << "page " << number << ", class " << cls;
            const auto other_class = block_record::from((record & ~0x3FU) | ((cls + 1) % chunk_class_count + 1));
            ASSERT_FALSE(other_class.sealed_for(page(number))) << "page " << number << ", class " << cls;
        }
    for (unsigned cls = 0; cls < chunk_class_count; ++cls)
        for (unsigned other = 0; other < cls; ++other)
            ASSERT_NE(block_record(cls, page(0)).value() >> 16, block_record(other, page(0)).value() >> 16)
                << "classes " << cls << " and " << other;
    const block_record first(7, page(0));
    for (std::uintptr_t number = 1; number < chunk_pages; ++number)
        ASSERT_FALSE(first.sealed_for(page(number))) << "page " << number;
}

TEST(CopiedRecord, IsFoundByItsPlace) {
    void* const p = synk_get(5000);
    void* const q = synk_get(70'000);
    EXPECT_TRUE(dies_naming(p, corrupted, [=] {
        record_of(p).store(record_of(q).load());
        synk_put(p);
    }));
}

TEST(OwnedPages, ThatWereMarkedAsFreeAreFound) {
    auto handle = synk::get_sized_pool().get_sized(70'000);
    EXPECT_TRUE(dies_naming(handle.data(), corrupted, [&] {
        chunk& c = *places.find(handle.data()).as_chunk();
        static_cast<void>(c.owned.release({c.page_of(handle.data()) + 3, 1}));
        handle.reset();
        synk::trim();
    }));
}

class DamagedLargeRecord : public testing::Test {
protected:
    void TearDown() override { synk_put(p); }
    void* const p = synk_get(9 * mib);
};

TEST_F(DamagedLargeRecord, CapacityIsFound) {
    EXPECT_TRUE(dies_naming(p, corrupted, [&] {
        large_record_of(p).capacity.store(64 * mib);
        synk_put(p);
    }));
}

TEST_F(DamagedLargeRecord, DataIsFound) {
    EXPECT_TRUE(dies_naming(p, corrupted, [&] {
        large_record_of(p).data.store(static_cast<std::byte*>(p) + 4096);
        synk_put(p);
    }));
}

TEST_F(DamagedLargeRecord, ZerosAreFound) {
    EXPECT_TRUE(dies_naming(p, corrupted, [&] {
        large_record_of(p).data.store(nullptr);
        large_record_of(p).capacity.store(0);
        synk_put(p);
    }));
}

TEST_F(DamagedLargeRecord, IsFoundWhenAHandlePutsItsBlock) {
    auto handle = synk::bytes::adopt(p);
    EXPECT_TRUE(dies_naming(p, corrupted, [&] {
        large_record_of(p).capacity.store(64 * mib);
        handle.reset();
        synk::trim();
    }));
    static_cast<void>(handle.release());
}

} // namespace
