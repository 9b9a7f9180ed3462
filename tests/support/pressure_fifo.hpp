// Tests with a FIFO of their own, for MEMORY_PRESSURE_WATCH.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace synk_test {

// In a folder that goes with the test.
class pressure_fifo : public testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/synk_pressure_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        ASSERT_EQ(::mkfifo(fifo().c_str(), 0600), 0);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string fifo() const { return path("fifo"); }
    [[nodiscard]] std::string path(const char* name) const { return folder_ / name; }

private:
    std::filesystem::path folder_;
};

} // namespace synk_test
