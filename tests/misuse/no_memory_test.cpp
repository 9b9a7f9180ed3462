// The system gives no more memory: an error that says so, in the way of each interface, and the pool goes on with what
// it has.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <synk/pool.hpp>
#include <synk/synk.h>

#include "support/child.hpp"
#include "support/effort.hpp"
#include "support/units.hpp"

namespace {

using synk_test::ends_well;
using synk_test::in_child;
using synk_test::mib;
using synk_test::require;

constexpr std::size_t block_sizes[] = {4096, 70'000, 4 * mib, 9 * mib};

// Bytes of address space that the process has.
std::size_t address_space() {
    std::size_t pages = 0;
    std::FILE* const statm = std::fopen("/proc/self/statm", "r");
    require(statm != nullptr && std::fscanf(statm, "%zu", &pages) == 1, "/proc/self/statm can be read");
    std::fclose(statm);
    return pages * 4096;
}

void allow_more(std::size_t bytes) {
    const rlim_t all = address_space() + bytes;
    const rlimit limit{all, RLIM_INFINITY};
    require(::setrlimit(RLIMIT_AS, &limit) == 0, "RLIMIT_AS can be set");
}

void allow_all() {
    const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    require(::setrlimit(RLIMIT_AS, &limit) == 0, "RLIMIT_AS can be lifted");
}

// Room for the handles is made beforehand: this is about the pool's memory.
std::vector<synk::bytes> room_for_handles() {
    std::vector<synk::bytes> handles;
    handles.reserve(100'000);
    return handles;
}

// Gets until there is no more.
void use_up(std::vector<synk::bytes>& handles, std::size_t n) {
    for (auto b = synk::get_sized_pool().try_get_sized(n); b; b = synk::get_sized_pool().try_get_sized(n)) {
        b.data()[0] = b.data()[n - 1] = std::byte{7};
        require(handles.size() < handles.capacity(), "the limit is reached");
        handles.push_back(std::move(b));
    }
}

void require_pool_works() {
    for (const std::size_t n : block_sizes) {
        auto b = synk::get_sized_pool().get_sized(n);
        std::memset(b.data(), 7, b.size());
    }
    require(synk::stats().lent == 0, "nothing is lost");
}

class NoMemory : public testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override {
        if (synk_test::slowness() != 1)
            GTEST_SKIP() << "sanitizers and Valgrind need address space themselves: RLIMIT_AS would starve the tool";
    }
    // Runs the body where hardly any memory is left, and all of that lent.
    template <class Body>
    static testing::AssertionResult when_used_up(Body body) {
        return ends_well(in_child([&] {
            auto handles = room_for_handles();
            allow_more(64 * mib);
            use_up(handles, GetParam());
            require(!handles.empty(), "there was memory first");
            body(handles);
            handles.clear();
            require_pool_works();
            use_up(handles, GetParam());
            require(!handles.empty(), "what was put can be got again");
            handles.clear();
            require(synk::stats().lent == 0, "nothing is lost");
            allow_all();
            require_pool_works();
        }));
    }
};

void require_message(const std::bad_alloc& error) {
    const std::string_view what = error.what();
    const std::string size = std::to_string(NoMemory::GetParam());
    require(what.starts_with("synk: ") && what.find("no memory") != what.npos, "the message says what is missing");
    require(what.find(size) != what.npos, "the message names the size");
}

TEST_P(NoMemory, IsBadAlloc) {
    EXPECT_TRUE(when_used_up([](auto&) {
        try {
            static_cast<void>(synk::get_sized_pool().get_sized(GetParam()));
            require(false, "bad_alloc is thrown");
        } catch (const std::bad_alloc& error) {
            require_message(error);
        }
    }));
}

TEST_P(NoMemory, IsEnomemInC) {
    EXPECT_TRUE(when_used_up([](auto&) {
        errno = 0;
        require(synk_get(GetParam()) == nullptr && errno == ENOMEM, "synk_get gives NULL and ENOMEM");
        errno = 0;
        require(synk_get_zeroed(GetParam()) == nullptr && errno == ENOMEM, "synk_get_zeroed gives NULL and ENOMEM");
    }));
}

TEST_P(NoMemory, LeavesAHandleThatWasToGrow) {
    EXPECT_TRUE(when_used_up([](auto& handles) {
        synk::bytes& b = handles.back();
        const std::byte* const data = b.data();
        try {
            b.reserve(100 * mib);
            require(false, "bad_alloc is thrown");
        } catch (const std::bad_alloc&) {
        }
        require(b.data() == data && b.size() == GetParam(), "the handle is as it was");
        require(b[0] == std::byte{7} && b[b.size() - 1] == std::byte{7}, "the contents are as they were");
    }));
}

TEST_P(NoMemory, LeavesABlockThatWasToBeResized) {
    EXPECT_TRUE(when_used_up([](auto& handles) {
        std::byte* const p = handles.back().release();
        errno = 0;
        require(synk_resize(p, 100 * mib) == nullptr && errno == ENOMEM, "synk_resize gives NULL and ENOMEM");
        require(p[0] == std::byte{7} && p[GetParam() - 1] == std::byte{7}, "the contents are as they were");
        handles.back() = synk::bytes::adopt(p);
    }));
}

// Bytes that the machine has, with swap; twice as many are refused, unless it is set to refuse nobody anything.
class MoreThanThereIs : public testing::Test {
protected:
    void SetUp() override {
        char setting = 0;
        std::ifstream("/proc/sys/vm/overcommit_memory") >> setting;
        if (setting != '0' && setting != '2') GTEST_SKIP() << "vm.overcommit_memory is 1: everything is promised";
        struct sysinfo machine {};
        ASSERT_EQ(::sysinfo(&machine), 0);
        n_ = 2 * (machine.totalram + machine.totalswap) * machine.mem_unit;
    }
    void TearDown() override { EXPECT_EQ(synk::stats().lent, 0U); }

    std::size_t n_ = 0;
};

TEST_F(MoreThanThereIs, IsRefusedByEveryGet) {
    ASSERT_FALSE(synk::get_sized_pool().try_get_sized(n_)); // the others may write to it
    EXPECT_THROW(static_cast<void>(synk::get_sized_pool().get_sized(n_)), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(synk::get_unsized_pool().get_buffer_at_least(n_)), std::bad_alloc);
    EXPECT_EQ(synk_get_zeroed(n_), nullptr);
}

TEST_F(MoreThanThereIs, IsRefusedToWhatWouldGrow) {
    for (const std::size_t begin : {std::size_t{5000}, 9 * mib}) {
        synk::bytes b = synk::get_sized_pool().get_sized(begin);
        const std::byte* const data = b.data();
        EXPECT_THROW(b.reserve(n_), std::bad_alloc);
        EXPECT_EQ(b.data(), data);
        EXPECT_EQ(b.size(), begin);
    }
}

TEST_F(MoreThanThereIs, IsRefusedWhereBlocksAreGuarded) {
    EXPECT_TRUE(ends_well(in_child([this] {
        synk::options o = synk::current_options();
        o.hardened = true;
        o.guard_sample = 1;
        synk::configure(o);
        require(!synk::get_sized_pool().try_get_sized(n_), "there is no such block");
    })));
}

// Two large blocks without anything between them, the lower one first.
std::pair<synk::bytes, synk::bytes> neighbours(std::vector<synk::bytes>& others) {
    for (int i = 0; i < 20; ++i) {
        others.push_back(synk::get_sized_pool().get_sized(40 * mib));
        for (synk::bytes& upper : others)
            if (upper.data() == others.back().data() + 40 * mib) return {std::move(others.back()), std::move(upper)};
    }
    require(false, "the system places mappings beside each other");
    return {};
}

// There is room neither for a second block beside the first nor, as long as it lies there idle, behind that.
TEST(NoMemoryToGrow, IsNotSaidBeforeIdleMemoryHasGoneBack) {
    if (synk_test::slowness() != 1) GTEST_SKIP() << "sanitizers and Valgrind need address space themselves";
    EXPECT_TRUE(ends_well(in_child([] {
        std::vector<synk::bytes> others;
        auto [lower, upper] = neighbours(others);
        lower[0] = lower[lower.size() - 1] = std::byte{7};
        upper.reset();
        require(synk::stats().idle >= 40 * mib, "it lies idle");
        allow_more(8 * mib);
        const std::size_t before = lower.size();
        lower.resize(70 * mib);
        require(lower[0] == std::byte{7} && lower[before - 1] == std::byte{7}, "the contents are as they were");
    })));
}

INSTANTIATE_TEST_SUITE_P(Sizes, NoMemory, testing::ValuesIn(block_sizes));

} // namespace
