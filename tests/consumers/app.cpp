// What a user's first program does: get a buffer, fill it, put it, and look at the books.
#include <synk/pool.hpp>

#include <cstdio>
#include <cstring>

#include <unistd.h>

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    ++failures;
}

void a_sized_buffer_goes_and_comes() {
    const std::size_t lent_before = synk::stats().lent;
    synk::bytes page = synk::get_sized_pool().get_sized(10000);
    expect(page.size() == 10000 && page.capacity() >= 10000, "a sized buffer has the size asked for");
    std::memset(page.data(), 0x5a, page.size());
    expect(synk::stats().lent >= lent_before + 10000, "what is lent is counted");
    synk::get_sized_pool().put(std::move(page));
    expect(!page && synk::stats().lent == lent_before, "what is put is lent no more");
}

void an_unsized_buffer_grows() {
    synk::bytes line = synk::get_unsized_pool().get();
    expect(line.empty() && line.capacity() >= 4096, "an unsized buffer is empty and has 4 KiB");
    line.resize(4096);
    std::memset(line.data(), 0x11, line.size());
    line.append("tail");
    expect(line.size() == 4100 && line[4095] == std::byte{0x11} && line[4099] == std::byte{'l'}, "growing keeps bytes");
}

void trim_leaves_nothing_idle() {
    synk::trim();
    expect(synk::stats().idle == 0, "nothing is idle after trim()");
}

// The example of README.md, word for word but for the declarations around it.
void the_first_example_of_the_readme() {
    std::FILE* const file = std::tmpfile();
    std::FILE* const other = std::tmpfile();
    std::fputs("all of a file", file);
    std::rewind(file);
    const int fd = ::fileno(file), socket = ::fileno(other);
    bool sent = false;
    {
        synk::bytes block = synk::get_sized_pool().get_sized(100'000);
        const ssize_t n = ::read(fd, block.data(), block.size());
        expect(n == 13 && ::lseek(fd, 0, SEEK_SET) == 0, "a block can be read into");

        synk::buffer message = synk::get_unsized_pool().get_buffer();
        if (message.read_from(fd).status == synk::io_status::end)
            sent = message.write_to(socket).status == synk::io_status::done;
    }
    expect(sent && ::lseek(socket, 0, SEEK_CUR) == 13, "a buffer takes what a file holds, and gives it");
    std::fclose(file);
    std::fclose(other);
}

} // namespace

int main() {
    a_sized_buffer_goes_and_comes();
    an_unsized_buffer_grows();
    the_first_example_of_the_readme();
    trim_leaves_nothing_idle();
    std::printf("synk %s: %d failures\n", SYNK_VERSION_STRING, failures);
    return failures == 0 ? 0 : 1;
}
