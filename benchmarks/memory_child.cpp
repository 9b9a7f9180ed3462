#include "memory_child.hpp"

#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.hpp"
#include "rows.hpp"
#include "settings.hpp"
#include "sizes.hpp"

namespace bench {
namespace {

// The buffers that the process holds. Sizes, and which buffer is put next, come from the seed alone: every allocator is
// asked for the same.
template <row R>
class live_set {
public:
    explicit live_set(std::uint64_t seed) : sizes_(mixed_jobs(seed)), random_(seed) {
        live_.reserve(table_length);
        used_.reserve(use_count);
    }

    answer carry_out(const order& o) {
        if (o.what == order::action::use) return timed_use();
        if (o.what == order::action::churn) put_some(live_.size() / 4);
        settle(o.live_bytes);
        return {held_bytes_, 0, 0};
    }

private:
    static constexpr std::size_t use_count = 64;

    struct lent {
        typename R::held held;
        std::size_t size;
    };

    static lent get_written(std::size_t size) {
        lent l{R::get(size), size};
        std::memset(R::data(l.held), 1, size);
        keep(R::data(l.held));
        return l;
    }

    void settle(std::uint64_t bytes) {
        while (held_bytes_ > bytes) put_one();
        while (held_bytes_ < bytes) get_one();
    }
    void get_one() {
        live_.push_back(get_written(sizes_[next_++ & (table_length - 1)].size));
        held_bytes_ += live_.back().size;
    }
    void put_one() {
        std::swap(live_[random_() % live_.size()], live_.back());
        held_bytes_ -= live_.back().size;
        R::put(std::move(live_.back().held));
        live_.pop_back();
    }
    void put_some(std::size_t count) {
        while (count-- != 0) put_one();
    }

    // The same sizes each time.
    answer timed_use() {
        const auto faults = page_faults();
        const auto start = processor_time();
        for (std::size_t i = 0; i < use_count; ++i) used_.push_back(get_written(sizes_[i].size));
        const auto elapsed = processor_time() - start;
        const answer a{held_bytes_, nanoseconds(elapsed) / 1e6, page_faults() - faults};
        for (lent& l : used_) R::put(std::move(l.held));
        used_.clear();
        return a;
    }

    std::vector<job> sizes_;
    std::mt19937_64 random_;
    std::vector<lent> live_;
    std::vector<lent> used_;
    std::size_t next_ = 0;
    std::uint64_t held_bytes_ = 0;
};

// Until the other end is closed.
template <row R>
int serve(std::uint64_t seed) {
    live_set<R> set(seed);
    for (order o; ::recv(STDIN_FILENO, &o, sizeof o, 0) == sizeof o;) {
        const answer a = set.carry_out(o);
        if (::send(STDIN_FILENO, &a, sizeof a, MSG_NOSIGNAL) != sizeof a) return failed;
    }
    return done;
}

bool is_loaded(const char* library) { return ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD) != nullptr; }

} // namespace

std::optional<int> be_memory_child(int argc, char** argv) {
    if (argc != 5 || std::string_view(argv[1]) != memory_child_flag) return std::nullopt;
    const char* const library = argv[4];
    if (*library != '\0' && !is_loaded(library)) return failed;
    const auto seed = std::strtoull(argv[3], nullptr, 10);
    return std::string_view(argv[2]) == "synk" ? serve<sized>(seed) : serve<malloc_free>(seed);
}

} // namespace bench
