// Resident pages in short runs between gone ones: what surrounds them is free, so they go as well as a long run does.

#include "reclaim/idle_pool.hpp"

namespace {

using namespace synk_test;

class patchwork : public idle_pool {
protected:
    static constexpr std::size_t piece = 16 * kib;
    static constexpr std::size_t pieces = 4 * mib / piece;

    // A chunk that is lent in pieces comes back: every other one when nothing may be idle, and so goes at once.
    static void leave_patchwork() {
        auto held = get_many(pieces, piece);
        set_limit(0);
        for (std::size_t i = 0; i < pieces; i += 2) put(std::move(held[i]));
        set_limit(128 * mib);
        for (std::size_t i = 1; i < pieces; i += 2) put(std::move(held[i]));
    }
};

TEST_F(patchwork, goes_when_it_was_idle_for_long) {
    leave_patchwork();
    ASSERT_EQ(synk::stats().idle, 2 * mib);
    visits(60); // a quarter of a second each: three times gone_after
    EXPECT_EQ(synk::stats().idle, 0U);
}

} // namespace
