// The pool works from static initialisers to static destructors, and handles outlive main(). Each case is a program of
// its own, whose output and exit are checked.
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "support/child.hpp"

namespace {

// What a program prints on both streams, and how it ends.
synk_test::ending run(const std::string& command) {
    std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) std::abort();
    synk_test::ending e;
    e.words = synk_test::read_all(::fileno(pipe));
    e.status = ::pclose(pipe);
    return e;
}

TEST(Statics, UseThePoolBeforeAndAfterMain) {
    const synk_test::ending e = run(SYNK_STATICS_PROGRAM);
    EXPECT_TRUE(synk_test::ends_well(e));
    // Their order follows from the order of the units in the link and the rules of the language.
    EXPECT_EQ(e.words, "made static in the first unit\n"
                       "made static in the second unit\n"
                       "main begins\n"
                       "made thread_local\n"
                       "made static in a function\n"
                       "main ends\n"
                       "gone thread_local\n"
                       "gone static in a function\n"
                       "gone static in the second unit\n"
                       "gone static in the first unit\n");
}

void expect_output(const char* way, const char* output) {
    const synk_test::ending e = run(std::string(SYNK_OUTLIVE_MAIN_PROGRAM " ") + way);
    EXPECT_TRUE(synk_test::ends_well(e));
    EXPECT_EQ(e.words, output);
}

TEST(OutliveMain, StaticHandle) { expect_output("static", "main ends\n"); }

TEST(OutliveMain, HandleInAtexit) {
    expect_output("atexit", "made on the heap\n"
                            "main ends\n"
                            "gone on the heap\n"
                            "made in atexit\n"
                            "gone in atexit\n");
}

TEST(OutliveMain, DetachedThreadThatGoesOn) { expect_output("detached", "main ends\n"); }

TEST(OutliveMain, MainThreadThatEndsFirst) { expect_output("pthread_exit", "the other thread ends\n"); }

} // namespace
