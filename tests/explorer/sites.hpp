// Where operations stand in the source, and what a mutant changes there.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

namespace synk_explorer {

enum class operation : std::uint8_t { load, store, modify, compare_exchange, wait, notify, fence, light, heavy };

// A mutant does one thing wrong at one site.
enum class change : std::uint8_t {
    none,
    order,         // a weaker memory order
    failure_order, // a weaker order for a compare-exchange that fails
    blind,         // a compare-exchange succeeds whatever it finds
    split,         // read and write are two steps, between which others may write
    dropped,       // the write, the barrier, the notification does not take place
};

struct mutation {
    change what = change::none;
    std::memory_order order = std::memory_order_relaxed;
};

struct site {
    std::source_location where;
    operation kind = operation::load;
    std::memory_order order = std::memory_order_relaxed;
    std::memory_order failure_order = std::memory_order_relaxed;
    mutation mutated;
    std::uint64_t visits = 0;
};

class site_table {
public:
    [[nodiscard]] site& find(const std::source_location& where) noexcept {
        std::size_t i = hash(where) % slots;
        while (used_[i] != nullptr && !same(used_[i]->where, where)) i = (i + 1) % slots;
        return used_[i] != nullptr ? *used_[i] : enter(i, where);
    }

    [[nodiscard]] std::vector<site*> all();
    void forget_visits() noexcept;

private:
    static constexpr std::size_t slots = 1024;

    [[nodiscard]] static std::size_t hash(const std::source_location& l) noexcept {
        return (std::uintptr_t(l.file_name()) >> 3) + l.line() * std::size_t{31} + l.column() * std::size_t{7};
    }
    [[nodiscard]] static bool same(const std::source_location& a, const std::source_location& b) noexcept {
        return a.line() == b.line() && a.column() == b.column() && a.file_name() == b.file_name();
    }
    [[nodiscard]] site& enter(std::size_t slot, const std::source_location& where) noexcept;

    std::array<site, slots / 2> sites_{};
    std::array<site*, slots> used_{};
    std::size_t count_ = 0;
};

// What may be done wrong at a site.
[[nodiscard]] std::vector<mutation> mutations_of(const site& s);

[[nodiscard]] const char* name_of(std::memory_order order) noexcept;
[[nodiscard]] const char* name_of(operation kind) noexcept;
[[nodiscard]] std::string name_of(const mutation& m);
[[nodiscard]] std::string file_and_line(const std::source_location& where);
// The line of source itself, without the blanks at its ends; empty where the source is not at hand.
[[nodiscard]] std::string text_of(const std::source_location& where);

} // namespace synk_explorer
