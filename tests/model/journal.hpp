// What a program of the model was doing when a promise broke: every end that is not a good one is said with the words
// that run it again.
//
//     SYNK_MODEL_SEED=n     runs the program with that seed, and those after it
//     SYNK_MODEL_TRACE=1    prints every step before it is taken
//     SYNK_MODEL_SECONDS=n  how long each of the tests runs; SYNK_LONG=1 is 20 minutes
#pragma once

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "support/effort.hpp"

#ifdef SYNK_TEST_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

namespace synk_model {

class journal {
public:
    // The program that begins now; `how` names the test that runs it.
    static void begin(const char* how, std::uint64_t first_seed, std::uint64_t seed) {
        how_ = how;
        first_seed_ = first_seed;
        seed_ = seed;
    }
    // The calling thread's next step. In turns the steps of all actors are counted together.
    static void step(std::uint64_t number, unsigned actor) {
        step_ = number;
        actor_ = actor;
    }
    [[gnu::format(printf, 1, 2)]] static void trace(const char* format, ...) {
        static const bool wanted = std::getenv("SYNK_MODEL_TRACE") != nullptr;
        if (!wanted) return;
        char line[200];
        std::va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);
        static_cast<void>(::dprintf(STDERR_FILENO, "step %llu, actor %u: %s\n", ull(step_), actor_, line));
    }

    // From now on the library's own aborts, faults, and a sanitizer's reports end with the words too.
    static void note_ends() {
#ifdef SYNK_TEST_SANITIZED
        __sanitizer_set_death_callback(say_where);
        constexpr int signals[] = {SIGABRT};
#else
        constexpr int signals[] = {SIGABRT, SIGSEGV, SIGBUS};
#endif
        for (const int number : signals) {
            struct sigaction action {};
            action.sa_handler = [](int) { say_where(); };
            action.sa_flags = static_cast<int>(SA_RESETHAND); // the return to what raised it ends the process
            ::sigaction(number, &action, nullptr);
        }
    }

private:
    static unsigned long long ull(std::uint64_t n) { return n; }
    static void say_where() {
        static_cast<void>(
            ::dprintf(STDERR_FILENO,
                      "model: in step %llu of actor %u, %s. SYNK_MODEL_SEED=%llu runs this program "
                      "again; if that ends well, SYNK_MODEL_SEED=%llu runs all that came before it too.\n",
                      ull(step_), actor_, how_, ull(seed_), ull(first_seed_)));
    }

    static inline const char* how_ = "before the first program";
    static inline std::uint64_t first_seed_ = 0, seed_ = 0;
    static inline thread_local std::uint64_t step_ = 0;
    static inline thread_local unsigned actor_ = 0;
};

// Ends the process with a line that says what is wrong.
[[noreturn, gnu::format(printf, 1, 2)]] inline void broken(const char* format, ...) {
    char line[300];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    static_cast<void>(::dprintf(STDERR_FILENO, "broken promise: %s\n", line));
    std::abort();
}

} // namespace synk_model
