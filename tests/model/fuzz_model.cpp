// The model's programs for libFuzzer: bytes are choices (choices.hpp). A crash leaves a file; this program with that
// file runs it again, and so does the plain test that reads the corpus, once the file lies there.
#include "model/program.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    synk_model::prepare(size % 2 == 0);
    synk_model::in_turns(synk_model::choices(std::span(data, size))).run(~std::uint64_t{0});
    return 0;
}
