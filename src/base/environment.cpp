#include "base/environment.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <synk/detail/size_class.hpp>

namespace synk::inline v1::detail {

namespace {

using std::chrono::milliseconds;

struct unit {
    const char* name;
    unsigned long long factor;
};
constexpr unit size_units[] = {{"", 1}, {"K", 1ULL << 10}, {"M", 1ULL << 20}, {"G", 1ULL << 30}};
constexpr unit time_units[] = {{"ms", 1}, {"s", 1000}};

// "128M" -> 134217728; what is beyond the range of every option -> 2^62. False when it is no number with one of the
// units.
template <std::size_t N>
bool read_number(const char* text, const unit (&units)[N], unsigned long long& out) noexcept {
    if (*text < '0' || *text > '9') return false;
    char* end = nullptr;
    constexpr unsigned long long most = 1ULL << 62;
    const unsigned long long number = std::strtoull(text, &end, 10); // its own largest is beyond that, too
    for (const unit& u : units) {
        if (std::strcmp(end, u.name) != 0) continue;
        out = number > most / u.factor ? most : number * u.factor;
        return true;
    }
    return false;
}

bool read(const char* text, std::size_t& out) noexcept {
    unsigned long long number = 0;
    if (!read_number(text, size_units, number)) return false;
    out = number;
    return true;
}

bool read(const char* text, milliseconds& out) noexcept {
    unsigned long long number = 0;
    if (!read_number(text, time_units, number)) return false;
    out = milliseconds(number);
    return true;
}

bool read(const char* text, bool& out) noexcept {
    out = std::strcmp(text, "on") == 0;
    return out || std::strcmp(text, "off") == 0;
}

bool read(const char* text, huge_pages& out) noexcept {
    if (std::strcmp(text, "automatic") == 0)
        out = huge_pages::automatic;
    else if (std::strcmp(text, "on") == 0)
        out = huge_pages::on;
    else if (std::strcmp(text, "off") == 0)
        out = huge_pages::off;
    else
        return false;
    return true;
}

fault outside(const char* range, std::size_t value) noexcept {
    fault f{range};
    std::snprintf(f.value, sizeof(f.value), "%zu", value);
    return f;
}

fault outside(const char* range, milliseconds value) noexcept {
    fault f{range};
    std::snprintf(f.value, sizeof(f.value), "%lld ms", static_cast<long long>(value.count()));
    return f;
}

struct variable {
    const char* name;
    bool (*read)(const char* text, options& into) noexcept;
    const char* form; // of a text that can be read
};

template <auto Option>
bool read_as(const char* text, options& into) noexcept {
    return read(text, into.*Option);
}

constexpr const char* size_form = "a size is a number with K, M, G or nothing behind it";
constexpr const char* time_form = "a time is a number with ms or s behind it";
constexpr const char* flag_form = "it is on or off";
constexpr variable variables[] = {
    {"SYNK_IDLE_LIMIT", read_as<&options::idle_limit>, size_form},
    {"SYNK_WEAK_AFTER", read_as<&options::weak_after>, time_form},
    {"SYNK_GONE_AFTER", read_as<&options::gone_after>, time_form},
    {"SYNK_HUGE_PAGES", read_as<&options::huge>, "it is automatic, on or off"},
    {"SYNK_KEEPER", read_as<&options::keeper>, flag_form},
    {"SYNK_TRIM_ON_FORK", read_as<&options::trim_on_fork>, flag_form},
    {"SYNK_ZERO_ON_GET", read_as<&options::zero_on_get>, flag_form},
    {"SYNK_CLEAR_ON_PUT", read_as<&options::clear_on_put>, flag_form},
    {"SYNK_HARDENED", read_as<&options::hardened>, flag_form},
    {"SYNK_GUARD_SAMPLE", read_as<&options::guard_sample>, "it is a number"},
    {"SYNK_QUARANTINE", read_as<&options::quarantine>, size_form},
};

// What is wrong with the text for this option, in words; null when that is set to it.
const char* take(options& all, const variable& v, const char* text) noexcept {
    options changed = all;
    const char* const wrong = v.read(text, changed) ? fault_in(changed).range : v.form;
    if (wrong == nullptr) all = changed;
    return wrong;
}

// A variable as it was when it was copied. Empty is another thing than not set.
template <std::size_t N>
class copied_variable {
public:
    void copy(const char* name, const char* form) noexcept {
        const char* const now = ::secure_getenv(name);
        const std::size_t size = now == nullptr ? 0 : std::strlen(now) + 1;
        is_set_ = size != 0 && size <= N;
        if (is_set_) std::memcpy(text_, now, size);
        if (size > N) std::fprintf(stderr, "synk: %s=%s is ignored: %s\n", name, now, form);
    }
    [[nodiscard]] const char* text() const noexcept { return is_set_ ? text_ : nullptr; }

private:
    bool is_set_ = false;
    char text_[N] = {};
};
constinit copied_variable<4096> watch_variable; // as long as a path can be
constinit copied_variable<512> write_variable;  // more than encodes 256 bytes

} // namespace

void copy_pressure_variables() noexcept {
    watch_variable.copy("MEMORY_PRESSURE_WATCH", "a path has less than 4096 bytes");
    write_variable.copy("MEMORY_PRESSURE_WRITE", "it has less than 512 bytes");
}

const char* memory_pressure_watch() noexcept { return watch_variable.text(); }
const char* memory_pressure_write() noexcept { return write_variable.text(); }

options options_from_environment() noexcept {
    copy_pressure_variables();
    options all;
    // Or a longer weak_after, which comes first, would be measured by the default.
    if (const char* const text = ::secure_getenv("SYNK_GONE_AFTER"); text != nullptr) read(text, all.gone_after);
    if (fault_in(all)) all.gone_after = options().gone_after;
    for (const variable& v : variables) {
        const char* const text = ::secure_getenv(v.name);
        const char* const wrong = text != nullptr ? take(all, v, text) : nullptr;
        if (wrong != nullptr) std::fprintf(stderr, "synk: %s=%s is ignored: %s\n", v.name, text, wrong);
    }
    return all;
}

bool set_option(options& all, const char* name, const char* text) noexcept {
    for (const variable& v : variables)
        if (std::strcmp(v.name, name) == 0) return take(all, v, text) == nullptr;
    return false;
}

fault fault_in(const options& wanted) noexcept {
    constexpr auto day = std::chrono::hours(24);
    if (wanted.idle_limit > max_block_size)
        return outside("idle_limit must lie between 0 and 2^46 bytes", wanted.idle_limit);
    if (wanted.weak_after < milliseconds(4) || wanted.weak_after > day)
        return outside("weak_after must lie between 4 ms and 1 day", wanted.weak_after);
    if (wanted.gone_after < wanted.weak_after || wanted.gone_after > day)
        return outside("gone_after must lie between weak_after and 1 day", wanted.gone_after);
    if (wanted.huge != huge_pages::automatic && wanted.huge != huge_pages::on && wanted.huge != huge_pages::off)
        return outside("huge must be automatic, on or off", static_cast<unsigned>(wanted.huge));
    if (wanted.guard_sample > 1'000'000)
        return outside("guard_sample must lie between 0 and 1000000", wanted.guard_sample);
    if (wanted.quarantine > max_block_size)
        return outside("quarantine must lie between 0 and 2^46 bytes", wanted.quarantine);
    return {};
}

} // namespace synk::inline v1::detail
