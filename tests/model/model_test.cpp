// Random programs over the whole public surface against a model that knows which bytes are whose. journal.hpp says how
// a failure is run again.
//
// ctest: TIMEOUT 3600
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "model/program.hpp"

namespace {

using namespace synk_model;

std::uint64_t first_seed() {
    if (const char* const wanted = std::getenv("SYNK_MODEL_SEED")) return std::strtoull(wanted, nullptr, 0);
    return synk_test::chosen_seed();
}

std::chrono::seconds time_to_run() {
    if (const char* const wanted = std::getenv("SYNK_MODEL_SECONDS")) return std::chrono::seconds(std::atoll(wanted));
    return synk_test::long_run() ? std::chrono::minutes(20) : std::chrono::seconds(5);
}

// Runs program(seed) for one seed after another, as long as there is time.
template <class Program>
void run_programs(const char* how, Program program) {
    journal::note_ends();
    const auto end = std::chrono::steady_clock::now() + time_to_run();
    const std::uint64_t first = first_seed();
    std::uint64_t seed = first;
    do {
        journal::begin(how, first, seed);
        program(seed);
    } while (++seed, std::chrono::steady_clock::now() < end);
    std::printf("%llu programs, from SYNK_MODEL_SEED=%llu on\n", static_cast<unsigned long long>(seed - first),
                static_cast<unsigned long long>(first));
}

TEST(Model, OfThreadsThatTakeTurns) {
    run_programs("taking turns", [](std::uint64_t seed) {
        prepare(seed % 2 == 0);
        in_turns(choices(seed)).run(3000);
    });
}

TEST(Model, OfThreadsAtOnce) {
    run_programs("all at once", [](std::uint64_t seed) {
        prepare(seed % 2 == 0);
        at_once(seed).run(10, 300);
    });
}

// What a fuzzer has found to take ways of its own. See fuzz_model.cpp.
TEST(Model, OfTheCorpus) {
    journal::note_ends();
    std::size_t count = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(std::filesystem::path(__FILE__).parent_path() / "corpus")) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::vector<std::uint8_t> program{std::istreambuf_iterator<char>(in), {}};
        const std::string name = file.path().filename();
        journal::begin(name.c_str(), 0, 0);
        for (const bool shared : {false, true}) {
            prepare(shared);
            in_turns(choices(program)).run(~std::uint64_t{0});
        }
        ++count;
    }
    EXPECT_GT(count, 10U);
}

} // namespace
