// Several ways of the same work, in turns: A B C A B C ... Each round gives a ratio to the first way; what others do on
// the machine meanwhile falls on all of them. Printed are the medians, and how far the middle half of the ratios lies
// apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace explore {

class turns {
public:
    explicit turns(std::string title, const char* unit = "ns") : title_(std::move(title)), unit_(unit) {}

    void add(std::string name, std::function<double()> measure) {
        ways_.push_back({std::move(name), std::move(measure), {}});
    }

    // One round more goes first and is not counted.
    void run(unsigned rounds) {
        for (unsigned round = 0; round <= rounds; ++round)
            for (std::size_t i = 0; i < ways_.size(); ++i) {
                way& w = ways_[(i + round) % ways_.size()]; // nobody is always first
                const double figure = w.measure();
                if (round != 0) w.figures.push_back(figure);
            }
        print();
    }

private:
    struct way {
        std::string name;
        std::function<double()> measure;
        std::vector<double> figures;
    };

    static double part(std::vector<double> v, double where) { // by value: it is sorted
        std::sort(v.begin(), v.end());
        return v[static_cast<std::size_t>(std::lround(where * static_cast<double>(v.size() - 1)))];
    }
    void print() const {
        std::printf("%s\n", title_.c_str());
        for (const way& w : ways_) {
            std::vector<double> ratios;
            for (std::size_t i = 0; i < w.figures.size(); ++i) ratios.push_back(w.figures[i] / ways_[0].figures[i]);
            std::printf("    %-28s %10.2f %s   x %.2f (%.2f - %.2f)\n", w.name.c_str(), part(w.figures, 0.5), unit_,
                        part(ratios, 0.5), part(ratios, 0.25), part(ratios, 0.75));
        }
    }

    std::string title_;
    const char* unit_;
    std::vector<way> ways_;
};

} // namespace explore
