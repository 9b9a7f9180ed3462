// A program with more privileges than its caller does not do what the caller's environment says. Needs root, who alone
// can make one.
//
// ctest-variants: plain
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <synk/pool.hpp>

#include <gtest/gtest.h>

#include "support/child.hpp"

namespace {

constexpr uid_t nobody = 65534;

// This very program, when it is run for its answer: 1 when it does as the environment says, else 0.
const bool tests = [] {
    if (std::getenv("SYNK_TEST_ANSWER") == nullptr) return true;
    ::_exit(synk::current_options().idle_limit == std::size_t{3} << 20 ? 1 : 0);
}();

class Privileged : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(tests);
        if (::geteuid() != 0) GTEST_SKIP() << "needs root, to make a program that runs as root for others";
        struct statvfs info {};
        if (::statvfs("/tmp", &info) != 0 || (info.f_flag & ST_NOSUID) != 0) GTEST_SKIP() << "/tmp is mounted nosuid";
        ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
        ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
        std::filesystem::copy_file("/proc/self/exe", program());
    }
    void TearDown() override {
        if (!folder_.ends_with("XXXXXX")) std::filesystem::remove_all(folder_);
    }

    [[nodiscard]] std::string program() const { return folder_ + "/program"; }

    // Run by nobody, with this in its environment; its exit status.
    [[nodiscard]] int run(mode_t mode) const {
        EXPECT_EQ(::chmod(program().c_str(), mode), 0);
        const synk_test::ending e = synk_test::in_child([this] {
            const std::string name = program();
            const char* const arguments[] = {name.c_str(), nullptr};
            const char* const environment[] = {"SYNK_TEST_ANSWER=", "SYNK_IDLE_LIMIT=3M", nullptr};
            synk_test::require(::setgid(nobody) == 0 && ::setuid(nobody) == 0, "root may become nobody");
            ::execve(name.c_str(), const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
            ::_exit(2);
        });
        return WIFEXITED(e.status) ? WEXITSTATUS(e.status) : -1;
    }

private:
    std::string folder_ = "/tmp/synk-privileged-XXXXXX";
};

TEST_F(Privileged, ProgramsIgnoreTheEnvironmentOfTheirCaller) {
    EXPECT_EQ(run(0755), 1) << "without more privileges it follows the environment";
    EXPECT_EQ(run(04755), 0);
}

} // namespace
