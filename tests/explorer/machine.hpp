// Runs a program of a few threads, one schedule at a time, on one thread of the system.
//
// Each modelled thread is a fibre with a stack of its own, used again in the next schedule. Every atomic operation is a
// point where another thread may go on. While a world is made, and looked at in the end, atomic objects are ordinary
// variables. What a schedule did to them is gone when it ends: each starts from the same state.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include <boost/context/detail/fcontext.hpp>

#include "explorer/decisions.hpp"
#include "explorer/memory.hpp"
#include "explorer/sites.hpp"

namespace synk_explorer {

struct program {
    const char* name;
    unsigned threads;
    void (*begin)();
    void (*run)(unsigned thread);
    void (*end)(unsigned waiting); // a bit for each thread that waits and will never be woken
};

class machine {
public:
    enum class outcome : std::uint8_t { fine, failed, cut }; // cut: it needs more room than there is
    using place = const std::source_location&;
    using order = std::memory_order;

    machine() noexcept;

    [[nodiscard]] outcome run(const program& p) noexcept;
    [[nodiscard]] const char* reason() const noexcept { return reason_; }
    // Runs and writes down every step.
    [[nodiscard]] std::string trace(const program& p);

    // True in a schedule's threads. (False before the constructor has run, too: the library has atomics of its own.)
    [[nodiscard]] bool running() const noexcept { return running_; }
    // True there, and while its world is made and looked at.
    [[nodiscard]] bool in_schedule() const noexcept { return in_schedule_; }
    // Operations in this schedule so far.
    [[nodiscard]] unsigned steps() const noexcept { return steps_; }

    // Ends the schedule: a promise was broken.
    void fail(const char* reason) noexcept;
    // Lets another thread go on: for loops that wait for one.
    void yield() noexcept;

    // What threads do. Values travel as 64 bits; `initial` is what the object holds when nobody has written it.
    std::uint64_t load(cell& c, std::uint64_t initial, order o, place where) noexcept;
    void store(cell& c, std::uint64_t initial, std::uint64_t value, order o, place where) noexcept;
    struct reading {
        site* at;
        order o;
        unsigned object, position;
        std::uint64_t value;
    };
    // A read-modify-write in two halves, between which nobody else runs.
    [[nodiscard]] reading modify_begin(cell& c, std::uint64_t initial, order o, place where) noexcept;
    void modify_end(const reading& r, std::uint64_t value) noexcept;
    struct exchange {
        std::uint64_t expected, desired;
        order success, failure;
        bool weak;
    };
    // Returns whether it succeeded; `expected` becomes what was found.
    bool compare_exchange(cell& c, std::uint64_t initial, exchange& x, place where) noexcept;
    void wait(cell& c, std::uint64_t initial, std::uint64_t old, order o, place where) noexcept;
    void notify(cell& c, std::uint64_t initial, bool all, place where) noexcept;
    void fence(order o, place where) noexcept;
    void light_fence(place where) noexcept;
    void heavy_fence(place where) noexcept;
    void plain_read(plain_cell& c) noexcept;
    void plain_write(plain_cell& c) noexcept;

    decisions decide;
    memory mem;
    site_table sites;

private:
    static constexpr unsigned max_steps = 10'000;
    static constexpr unsigned max_options = 32;
    static constexpr std::size_t stack_size = std::size_t{64} << 10;
    using context = boost::context::detail::fcontext_t;

    // One line of a trace.
    struct event {
        unsigned thread;
        const site* at; // null: an access to plain data
        const char* what;
        order o;
        unsigned object;
        std::uint64_t value;
        unsigned behind; // how many newer stores there are
    };

    static void fibre(boost::context::detail::transfer_t from) noexcept;
    void make_fibre(unsigned thread) noexcept;
    void jump(context& to, context& from) noexcept;
    void go_on_with(unsigned thread) noexcept;
    void count_step() noexcept;
    void leave() noexcept;
    void abandon() noexcept;
    [[nodiscard]] unsigned one_of(unsigned threads, choice kind) noexcept;

    site& arrive(place where, operation kind, order o) noexcept;
    [[nodiscard]] unsigned choose_position(unsigned object, unsigned oldest, bool to_modify) noexcept;
    bool exchange_at(site& s, unsigned object, unsigned position, exchange& x) noexcept;
    void put(const site& s, unsigned object, unsigned position, std::uint64_t value, order o, bool modifies) noexcept;
    void note(const site* at, const char* what, order o, unsigned object, std::uint64_t value) noexcept {
        if (tracing_) write_down(at, what, o, object, value);
    }
    void write_down(const site* at, const char* what, order o, unsigned object, std::uint64_t value) noexcept;

    const program* program_ = nullptr;
    const char* reason_ = nullptr;
    bool abandoned_ = false;
    bool tracing_ = false;
    bool running_ = false;
    bool in_schedule_ = false;
    unsigned current_ = 0;
    unsigned ready_ = 0;   // threads that can go on
    unsigned waiting_ = 0; // threads in wait()
    unsigned steps_ = 0;
    std::array<const cell*, view::clocks> waits_for_{};
    std::array<context, view::clocks> fibre_{};
    context main_{};
    std::vector<event> events_;
    std::array<std::array<std::byte, stack_size>, view::clocks> stacks_{};
};

// The one that the atomics of atomic.hpp belong to.
extern machine the_machine;

} // namespace synk_explorer
