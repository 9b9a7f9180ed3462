// Systems that refuse advice, real ones: locked memory, and a sandbox that knows no MADV_FREE.
// ctest-variants: plain

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <synk/pool.hpp>

#include "support/child.hpp"
#include "support/pattern.hpp"
#include "support/process_memory.hpp"
#include "support/units.hpp"

namespace {

using namespace synk_test;
using std::chrono::milliseconds;

std::vector<synk::bytes> lend_and_write(std::size_t bytes, std::size_t n) {
    std::vector<synk::bytes> blocks;
    for (std::size_t sum = 0; sum < bytes; sum += n) {
        blocks.push_back(synk::get_sized_pool().get_sized(n));
        fill(blocks.back(), sum);
    }
    return blocks;
}

synk::options quick() {
    synk::options o;
    o.weak_after = milliseconds(100);
    o.gone_after = milliseconds(500);
    return o;
}

// What stats() says of the pool's memory is what the kernel says, within a few records.
void require_truth(std::size_t before) {
    const synk::statistics s = synk::stats();
    const process_memory now = memory_now();
    require(now.resident <= before + s.lent + s.idle + 8 * mib, "nothing is resident that stats() calls gone");
    require(s.weak <= now.lazily_free + mib, "nothing is called weak that the kernel may not take");
}

// The child's madvise(.., MADV_FREE) fails with this error from now on.
void refuse_free(unsigned error) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_FREE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{std::size(program), program};
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "the filter may be set");
    require(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0, "the filter can be set");
}

TEST(sandbox, without_free_falls_back_to_gone) {
    for (const unsigned error : {unsigned{EINVAL}, unsigned{EPERM}})
        EXPECT_TRUE(ends_well(in_child([error] {
            refuse_free(error);
            synk::options o;
            o.weak_after = milliseconds(100);
            o.gone_after = std::chrono::hours(1);
            synk::configure(o);
            const auto kept = lend_and_write(4 * mib, mib);
            const std::size_t before = memory_now().resident;
            lend_and_write(40 * mib, 500'000).clear();
            lend_and_write(20 * mib, 10 * mib).clear();
            require(comes_true([] { return synk::stats().idle < 2 * mib; }), "it goes all the same");
            require(synk::stats().refused_advice != 0, "and the refusals are counted");
            require(synk::stats().weak == 0, "nothing is weak");
            require(memory_now().resident < before + 8 * mib, "the kernel agrees");
            for (std::size_t i = 0; i < kept.size(); ++i)
                require(first_broken(kept[i], i * mib) == intact, "lent buffers keep their contents");
        })));
}

bool locked_memory_can_go() {
    void* const at = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool can = ::mlock(at, page) == 0 && ::madvise(at, page, 24) == 0; // MADV_DONTNEED_LOCKED
    ::munmap(at, page);
    return can;
}

class locked_memory : public testing::Test {
protected:
    // A child whose memory is locked, now and in future.
    template <class Body>
    static void expect_well(Body body) {
        const ending e = in_child([&] {
            if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) ::_exit(77);
            body();
        });
        if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == 77)
            GTEST_SKIP() << "NOT TESTED: memory cannot be locked here";
        EXPECT_TRUE(ends_well(e));
    }
};

TEST_F(locked_memory, is_kept_and_known) {
    expect_well([] {
        const std::size_t before = memory_now().resident;
        synk::configure(quick());
        const auto kept = lend_and_write(4 * mib, mib);
        for (int round = 0; round < 3; ++round) {
            lend_and_write(60 * mib, 300'000).clear();
            lend_and_write(40 * mib, 10 * mib).clear();
            std::this_thread::sleep_for(milliseconds(500));
            require_truth(before);
        }
        require(synk::stats().refused_advice != 0, "refusals are counted");
        require(synk::stats().weak == 0, "nothing is weak");
        std::size_t resident = memory_now().resident;
        const std::size_t went = synk::trim();
        require(memory_now().resident + went <= resident + mib, "trim() says what went, not what it tried");
        require_truth(before);
        for (std::size_t i = 0; i < kept.size(); ++i)
            require(first_broken(kept[i], i * mib) == intact, "lent buffers keep their contents");
    });
}

TEST_F(locked_memory, keeps_the_limit_by_unmapping) {
    expect_well([] {
        synk::options o = quick();
        o.idle_limit = 32 * mib;
        synk::configure(o);
        const std::size_t before = memory_now().resident;
        lend_and_write(200 * mib, 4 * mib).clear();
        lend_and_write(200 * mib, 1 * mib).clear();
        lend_and_write(100 * mib, 20 * mib).clear();
        require(synk::stats().idle <= 32 * mib + 4 * mib, "what cannot be advised away is unmapped");
        require_truth(before);
    });
}

// Of blocks between lent ones no addresses can go.
TEST_F(locked_memory, keeps_the_limit_between_lent_blocks) {
    if (!locked_memory_can_go()) GTEST_SKIP() << "NOT TESTED: locked memory cannot be given back before Linux 5.18";
    expect_well([] {
        synk::options o = quick();
        o.idle_limit = 16 * mib;
        o.keeper = false;
        synk::configure(o);
        const std::size_t before = memory_now().resident;
        auto blocks = lend_and_write(100 * mib, 64 * kib);
        std::vector<synk::bytes> kept;
        for (std::size_t i = 0; i < blocks.size(); i += 32) kept.push_back(std::move(blocks[i]));
        blocks.clear();
        require(synk::stats().idle <= 16 * mib, "what lies idle is bounded");
        synk::trim();
        require(synk::stats().idle == 0, "all of it goes");
        require(memory_now().resident < before + 8 * mib, "the kernel agrees");
    });
}

// Who locks memory wants no faults: it stays as long as it may.
TEST_F(locked_memory, goes_no_sooner_than_it_must) {
    if (!locked_memory_can_go()) GTEST_SKIP() << "NOT TESTED: locked memory cannot be given back before Linux 5.18";
    expect_well([] {
        synk::options o;
        o.weak_after = milliseconds(20);
        o.gone_after = milliseconds(2500);
        synk::configure(o);
        lend_and_write(32 * mib, mib).clear();
        std::this_thread::sleep_for(milliseconds(1000));
        require(synk::stats().idle == 32 * mib, "it stays");
        require(comes_true([] { return synk::stats().idle == 0; }), "and goes");
    });
}

} // namespace
