#include "memory_timeline.hpp"

#include <algorithm>

namespace bench {

const memory_sample& timeline::peak() const {
    return *std::max_element(samples.begin(), samples.end(),
                             [](const auto& a, const auto& b) { return a.resident < b.resident; });
}

const memory_sample& timeline::last_of(const std::string& phase) const {
    std::size_t i = 0;
    while (i + 1 < phases.size() && phases[i].name != phase) ++i;
    const double end = end_of(i);
    const auto after =
        std::find_if(samples.begin() + 1, samples.end(), [&](const memory_sample& s) { return s.seconds >= end; });
    return *(after - 1);
}

double timeline::end_of(std::size_t i) const {
    return i + 1 < phases.size() ? phases[i + 1].seconds : samples.back().seconds;
}

} // namespace bench
