// Random sequences of every operation, against a string with a cursor. A failure prints the seed;
// SYNK_TEST_SEED=n runs that sequence again, SYNK_TEST_STEPS=n sets its length.
//
// ctest-variants: plain asan
#include <synk/pool.hpp>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "utf8_reference.hpp"

namespace {

using synk::buffer;
using synk::bytes;

// What a buffer is, said in the simplest way.
struct model {
    std::string all;        // consumed and unread
    std::size_t cursor = 0; // all[cursor ..) is unread
    std::size_t byte = 0;   // what unread_byte gives back
    std::size_t rune = 0;   // what unread_rune gives back

    std::string_view unread() const { return std::string_view(all).substr(cursor); }
    bool drained() const { return cursor == all.size(); }

    void forget() { byte = rune = 0; }
    void write(std::string_view more) {
        all = std::string(unread()).append(more); // `more` may be our own
        cursor = 0;
        forget();
    }
    std::string read(std::size_t n, bool is_rune = false) {
        std::string taken(unread().substr(0, n));
        cursor += taken.size();
        byte = taken.empty() ? 0 : 1;
        rune = is_rune ? taken.size() : 0;
        return taken;
    }
    bool give_back(std::size_t n) {
        cursor -= n;
        forget();
        return n != 0;
    }
};

std::string text(std::span<const std::byte> data) { return {reinterpret_cast<const char*>(data.data()), data.size()}; }

class pair_of_both {
public:
    explicit pair_of_both(unsigned seed) : random_(seed) {}

    void step();
    void expect_equal(bool in_full);

private:
    std::size_t below(std::size_t n) { return random_() % n; }
    // Mostly small, at times across a page, the tiers, and 4 MiB.
    std::size_t length() {
        constexpr std::size_t most[] = {2, 20, 20, 600, 600, 5000, 5000, 70'000};
        if (below(200) == 0) return below(std::size_t{6} << 20);
        return below(most[below(std::size(most))]);
    }
    // Few distinct bytes, so that delimiters are found, and many that start or continue a code point.
    std::string contents(std::size_t n) {
        constexpr std::string_view alphabet = "ab\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\x8D";
        const std::size_t from = below(alphabet.size());
        std::string s(n, '\0');
        for (std::size_t i = 0; i < n; ++i) s[i] = alphabet[(from + i + i / 97) % alphabet.size()];
        return s;
    }
    void write(std::string_view more) {
        needs(more.size());
        b_.write(more);
        m_.write(more);
    }
    void needs(std::size_t n) { peak_ = std::max(peak_, m_.unread().size() + n + 4); }

    void write_or_read_little();
    void read_in_some_form();
    void write_own_view();
    void use_free_space();
    void drop_some();
    void pull_from_source();
    void push_to_sink();
    void change_hands();

    std::mt19937 random_;
    buffer b_;
    model m_;
    std::size_t peak_ = 0; // the most that had to fit at one time
};

void pair_of_both::write_or_read_little() {
    const auto byte = static_cast<char>(below(256));
    switch (below(6)) {
    case 0:
        needs(1);
        b_.write_byte(static_cast<std::byte>(byte));
        return m_.write({&byte, 1});
    case 1: {
        const auto code = static_cast<char32_t>(below(0x110100));
        needs(4);
        EXPECT_EQ(b_.write_rune(code), reference::encode(code).size());
        return m_.write(reference::encode(code));
    }
    case 2: {
        const auto got = b_.read_byte();
        const std::string wanted = m_.read(1);
        ASSERT_EQ(got.has_value(), !wanted.empty());
        EXPECT_TRUE(!got || static_cast<char>(*got) == wanted[0]);
        return;
    }
    case 3: {
        const auto got = b_.read_rune();
        ASSERT_EQ(got.has_value(), !m_.drained());
        if (!got) return m_.forget();
        EXPECT_EQ(*got, reference::decode(m_.unread()));
        m_.read(got->width, true);
        return;
    }
    case 4:
        EXPECT_EQ(b_.unread_byte(), m_.give_back(m_.byte));
        return;
    case 5:
        EXPECT_EQ(b_.unread_rune(), m_.give_back(m_.rune));
        return;
    }
}

void pair_of_both::read_in_some_form() {
    const std::size_t n = length();
    switch (below(4)) {
    case 0: {
        std::string into(n, '?');
        into.resize(b_.read(std::as_writable_bytes(std::span(into))));
        EXPECT_TRUE(into == m_.read(n));
        return;
    }
    case 1:
        EXPECT_TRUE(text(b_.next(n)) == m_.read(n));
        return;
    case 2:
        EXPECT_TRUE(text(b_.peek(n)) == m_.unread().substr(0, n));
        return;
    case 3: {
        const char delimiter = below(2) == 0 ? '\n' : '?';
        const std::size_t at = m_.unread().find(delimiter);
        const auto got = b_.read_until(delimiter);
        EXPECT_EQ(got.found, at != std::string_view::npos);
        EXPECT_TRUE(got.text() == m_.read(got.found ? at + 1 : m_.unread().size()));
        return;
    }
    }
}

// Of what is unread, or of what was just consumed.
void pair_of_both::write_own_view() {
    if (m_.unread().size() > (std::size_t{8} << 20)) return;
    if (below(2) == 0) {
        const std::size_t from = below(m_.unread().size() + 1);
        const std::size_t n = below(m_.unread().size() - from + 1);
        needs(n);
        b_.write(b_.view().substr(from, n));
        m_.write(m_.unread().substr(from, n));
    } else {
        const std::span<std::byte> taken = b_.next(length());
        needs(taken.size());
        b_.write(taken);
        m_.write(m_.read(taken.size()));
    }
}

void pair_of_both::use_free_space() {
    const std::size_t n = length();
    needs(n);
    b_.grow(n);
    if (m_.drained()) m_.forget();
    ASSERT_GE(b_.available(), n);
    if (below(2) == 0) return;
    const std::string more = contents(n);
    const std::span<std::byte> free = b_.available_buffer();
    std::copy_n(std::as_bytes(std::span(more)).begin(), n, free.begin());
    below(2) == 0 ? b_.commit(n) : b_.write(free.first(n));
    m_.write(more);
}

void pair_of_both::drop_some() {
    const std::size_t n = below(m_.unread().size() + 2);
    if (n > m_.unread().size()) {
        EXPECT_THROW(b_.truncate(n), std::out_of_range);
    } else if (below(8) == 0) {
        b_.reset();
        m_ = {};
    } else {
        b_.truncate(n);
        m_.forget();
        m_.all.resize(m_.cursor + n);
    }
}

void pair_of_both::pull_from_source() {
    const std::string more = contents(length());
    const bool throws = below(4) == 0;
    std::size_t given = 0;
    const auto source = [&](std::span<std::byte> into) {
        EXPECT_GE(into.size(), buffer::min_read);
        if (given == more.size() && throws) throw std::runtime_error("source");
        const std::size_t n = std::min({into.size(), more.size() - given, 1 + below(5000)});
        std::copy_n(std::as_bytes(std::span(more)).begin() + static_cast<std::ptrdiff_t>(given), n, into.begin());
        given += n;
        return n;
    };
    needs(more.size() + buffer::min_read);
    if (throws)
        EXPECT_THROW(b_.read_from(source), std::runtime_error);
    else
        EXPECT_EQ(b_.read_from(source), more.size());
    m_.write(more);
}

void pair_of_both::push_to_sink() {
    std::size_t calls = below(6);
    const bool throws = below(3) == 0;
    std::string got;
    const auto sink = [&](std::span<const std::byte> data) -> std::size_t {
        if (calls-- == 0) {
            calls = 0;
            if (throws) throw std::runtime_error("sink");
            return 0;
        }
        const std::size_t n = 1 + below(data.size());
        got += text(data.first(n));
        return n;
    };
    try {
        const std::size_t told = b_.write_to(sink);
        EXPECT_EQ(told, got.size());
    } catch (const std::runtime_error&) {
        EXPECT_TRUE(throws);
    }
    EXPECT_TRUE(got == m_.read(got.size()));
    m_.forget();
}

void pair_of_both::change_hands() {
    if (below(2) == 0) {
        buffer other(std::move(b_));
        EXPECT_EQ(b_.capacity(), 0U);
        b_ = std::move(other);
    } else {
        bytes storage = b_.release_bytes();
        EXPECT_TRUE(text({storage.data(), storage.size()}) == m_.unread());
        EXPECT_EQ(b_.capacity(), 0U);
        b_ = buffer(std::move(storage));
        m_.forget();
    }
}

void pair_of_both::step() {
    switch (below(12)) {
    case 0:
    case 1:
        return write(contents(length()));
    case 2:
    case 3:
        return read_in_some_form();
    case 4:
        return use_free_space();
    case 5:
        return drop_some();
    case 6:
        return pull_from_source();
    case 7:
        return push_to_sink();
    case 8:
        return below(4) == 0 ? change_hands() : write_own_view();
    default:
        return write_or_read_little();
    }
}

void pair_of_both::expect_equal(bool in_full) {
    ASSERT_EQ(b_.size(), m_.unread().size());
    ASSERT_EQ(b_.empty(), m_.drained());
    ASSERT_LE(b_.size() + b_.available(), b_.capacity());
    if (in_full || b_.size() < 10'000) {
        ASSERT_TRUE(b_.view() == m_.unread());
    }
    // A block is exchanged only when more than half of it is needed, for one of twice that or what is needed. The pool
    // rounds that up by at most a quarter, or to a page; from 64 KiB to 4 MiB to a common length, less than four times
    // as long: so to 256 KiB what is a little more than twice 32 KiB.
    ASSERT_LE(b_.capacity(), 8 * peak_ + 8192);
}

unsigned number_from(const char* variable, unsigned otherwise) {
    const char* const value = std::getenv(variable);
    return value != nullptr ? static_cast<unsigned>(std::strtoul(value, nullptr, 10)) : otherwise;
}

TEST(buffer_model, agrees_with_a_string_and_a_cursor) {
    const unsigned seed = number_from("SYNK_TEST_SEED", std::random_device()());
    const bool takes_its_time = std::getenv("SYNK_LONG") != nullptr;
    const unsigned steps = number_from("SYNK_TEST_STEPS", takes_its_time ? 300'000 : 20'000);
    const std::size_t lent = synk::stats().lent;
    {
        pair_of_both both(seed);
        for (unsigned i = 0; i < steps; ++i) {
            SCOPED_TRACE("SYNK_TEST_SEED=" + std::to_string(seed) + ", step " + std::to_string(i));
            both.step();
            both.expect_equal(i % 64 == 0);
            if (HasFailure()) return;
        }
    }
    EXPECT_EQ(synk::stats().lent, lent);
}

} // namespace
