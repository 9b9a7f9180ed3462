#include "fleet.hpp"

#include <stdexcept>

namespace bench {

fleet::fleet(std::span<const std::string_view> rows, std::uint64_t seed) : all_(find_contenders(rows)) {
    for (const allocator& a : all_) processes_.emplace_back(a, seed);
}

void fleet::enter(std::vector<contender>& into, const std::string& group, const order& o, std::size_t columns) {
    auto process = processes_.begin();
    for (const allocator& a : all_) {
        into.push_back({group, a.name, [process, now = o, columns]() mutable {
                            const answer values = process->carry_out(now);
                            ++now.turn; // all rows of a round are on the same processor
                            return std::vector<double>(values.begin(), values.begin() + columns);
                        }});
        ++process;
    }
}

answer fleet::ask(std::string_view name, const order& o) {
    auto process = processes_.begin();
    for (const allocator& a : all_) {
        if (a.name == name) return process->carry_out(o);
        ++process;
    }
    throw std::runtime_error("nobody is called " + std::string(name));
}

void enter_fresh(std::vector<contender>& into, const std::vector<allocator>& all, std::uint64_t seed,
                 const std::string& group, const fresh_work& work) {
    for (const allocator& a : all)
        into.push_back({group, a.name, [=] {
                            measured_process process(a, seed);
                            return work(process);
                        }});
}

} // namespace bench
