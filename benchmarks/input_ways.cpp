#include "input_ways.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <vector>

#include <unistd.h>

#include "digest.hpp"
#include "rows.hpp"

namespace bench {
namespace {

constexpr std::size_t first_capacity = 4096;

// One read, gone on with after a signal. Bytes; 0 at the end; negative when it failed.
ssize_t read_some(int fd, std::byte* to, std::size_t n) {
    ssize_t got;
    do got = ::read(fd, to, n);
    while (got < 0 && errno == EINTR);
    return got;
}

contents contents_of(const std::byte* data, std::size_t n, bool failed) { return {n, digest_of({data, n}), failed}; }

// Reads until `capacity` bytes are there or the file ends.
contents read_up_to(int fd, std::byte* to, std::size_t capacity) {
    std::size_t filled = 0;
    ssize_t got = 1;
    while (filled < capacity && (got = read_some(fd, to + filled, capacity - filled)) > 0)
        filled += static_cast<std::size_t>(got);
    return contents_of(to, filled, got < 0);
}

template <row R>
contents read_known(int fd, std::size_t length) {
    auto held = R::get(length);
    const contents all = read_up_to(fd, R::data(held), length);
    R::put(std::move(held));
    return all;
}

// A buffer of R that starts at first_capacity and moves to twice its size whenever it is full.
template <row R>
class doubling {
public:
    std::byte* data() { return R::data(held_); }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    void grow() {
        auto larger = R::get(2 * capacity_);
        std::memcpy(R::data(larger), R::data(held_), capacity_);
        R::put(std::exchange(held_, std::move(larger)));
        capacity_ *= 2;
    }
    doubling() = default;
    doubling(const doubling&) = delete;
    doubling& operator=(const doubling&) = delete;
    ~doubling() { R::put(std::move(held_)); }

private:
    std::size_t capacity_ = first_capacity;
    typename R::held held_ = R::get(first_capacity);
};

// The same with realloc, which may extend a block where it is.
class reallocating {
public:
    std::byte* data() { return data_; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    void grow() {
        void* const larger = std::realloc(data_, 2 * capacity_);
        if (larger == nullptr) throw std::bad_alloc();
        data_ = static_cast<std::byte*>(larger);
        capacity_ *= 2;
    }
    reallocating() = default;
    reallocating(const reallocating&) = delete;
    reallocating& operator=(const reallocating&) = delete;
    ~reallocating() { std::free(data_); }

private:
    std::size_t capacity_ = first_capacity;
    std::byte* data_ = malloc_free::get(first_capacity).data;
};

template <class Growing>
contents read_growing(int fd, std::size_t) {
    Growing buffer;
    std::size_t filled = 0;
    ssize_t got;
    while ((got = read_some(fd, buffer.data() + filled, buffer.capacity() - filled)) > 0) {
        filled += static_cast<std::size_t>(got);
        if (filled == buffer.capacity()) buffer.grow();
    }
    return contents_of(buffer.data(), filled, got < 0);
}

// The specification's io.Copy(unsized.GetBuffer(), reader).
contents read_buffer(int fd, std::size_t) {
    auto& pool = synk::get_unsized_pool();
    synk::buffer buffer = pool.get_buffer();
    const bool failed = buffer.read_from(fd).status != synk::io_status::end;
    const std::span<const std::byte> read = buffer.unread();
    const contents all = contents_of(read.data(), read.size(), failed);
    pool.put_buffer(std::move(buffer));
    return all;
}

template <row R>
way known() {
    return {known_length, std::string(R::name), read_known<R>};
}

} // namespace

std::span<const way> input_ways() {
    static const std::vector<way> ways{
        {unknown_length, "unsized", read_buffer},
        {unknown_length, "make", read_growing<doubling<make>>},
        {unknown_length, "malloc", read_growing<reallocating>},
        {unknown_length, "floor", read_growing<doubling<floor>>},
        known<sized>(),
        known<make>(),
        known<malloc_free>(),
        known<floor>(),
    };
    return ways;
}

} // namespace bench
