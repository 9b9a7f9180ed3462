#include "explorer/decisions.hpp"

#include <utility>

namespace synk_explorer {

// Each schedule has its own temper: some switch threads at every step, some hardly ever; some see many old values.
void decisions::start_random(std::uint64_t seed) noexcept {
    constexpr std::array<std::uint8_t, 4> rest{64, 160, 224, 248};
    constexpr std::array<std::uint8_t, 4> calm{128, 208, 240, 252};
    how_ = mode::random;
    count_ = 0;
    random_ = synk_test::random_source(seed);
    const std::uint64_t temper = random_.next();
    rest_ = rest[temper % 4];
    calm_ = calm[temper / 4 % 4];
}

unsigned decisions::at_random(unsigned options, choice kind) noexcept {
    const std::uint64_t bits = random_.next();
    const std::uint64_t plain = kind == choice::preemption ? rest_ : kind == choice::surprise ? calm_ : 0;
    if ((bits & 255) < plain) return 0;
    return static_cast<unsigned>(((bits >> 32) * options) >> 32);
}

namespace {
constexpr unsigned unlimited = ~0U;
constexpr std::size_t index(choice kind) noexcept { return static_cast<std::size_t>(kind); }
} // namespace

void decisions::start_search(bounds most) noexcept {
    how_ = mode::search;
    most_ = most;
    count_ = planned_ = 0;
}

// Depth first: the last decision that has another option within the bounds takes it.
bool decisions::next_in_search() noexcept {
    std::array<unsigned, 3> used{}; // by kind of choice
    const std::array<unsigned, 3> most{unlimited, most_.preemptions, most_.surprises};
    for (std::size_t i = 0; i < count_; ++i)
        if (made_[i].chosen != 0) ++used[index(made_[i].kind)];
    for (; count_ != 0; --count_) {
        made& last = made_[count_ - 1];
        const std::size_t kind = index(last.kind);
        if (last.chosen != 0) --used[kind];
        if (used[kind] >= most[kind] || last.chosen + 1 == last.options) continue;
        ++last.chosen;
        planned_ = count_;
        count_ = 0;
        return true;
    }
    return false;
}

void decisions::start_recorded(std::vector<std::uint8_t> recorded) noexcept {
    how_ = mode::recorded;
    count_ = 0;
    recorded_ = std::move(recorded);
}

unsigned decisions::as_planned(unsigned options, choice /*kind*/) noexcept {
    unsigned chosen = 0;
    if (how_ == mode::search && count_ < planned_) chosen = made_[count_].chosen;
    if (how_ == mode::recorded && count_ < recorded_.size()) chosen = recorded_[count_];
    return chosen < options ? chosen : 0;
}

std::vector<std::uint8_t> decisions::record() const {
    std::vector<std::uint8_t> result(count_);
    for (std::size_t i = 0; i < count_; ++i) result[i] = made_[i].chosen;
    while (!result.empty() && result.back() == 0) result.pop_back();
    return result;
}

namespace {
constexpr char digits[] = "0123456789abcdefghijklmnopqrstuvw";
constexpr std::size_t least_repeated = 4;
} // namespace

std::string to_text(const std::vector<std::uint8_t>& record) {
    std::string text;
    for (std::size_t i = 0; i < record.size();) {
        std::size_t same = 1;
        while (i + same < record.size() && record[i + same] == record[i]) ++same;
        if (same > least_repeated)
            text += digits[record[i]] + ("x" + std::to_string(same)) + ".";
        else
            text.append(same, digits[record[i]]);
        i += same;
    }
    return text;
}

std::vector<std::uint8_t> from_text(const std::string& text) {
    std::vector<std::uint8_t> record;
    const std::string known = digits;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == 'x') {
            const std::size_t end = text.find('.', i);
            const std::size_t same = std::stoul(text.substr(i + 1, end - i - 1));
            if (!record.empty()) record.insert(record.end(), same - 1, record.back());
            i = end;
        } else if (const std::size_t digit = known.find(text[i]); digit != known.npos) {
            record.push_back(static_cast<std::uint8_t>(digit));
        }
    }
    return record;
}

} // namespace synk_explorer
