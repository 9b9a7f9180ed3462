// What all actors of a program share.
#pragma once

#include <cstddef>
#include <new>
#include <stdexcept>

#include <synk/pool.hpp>

#include "model/books.hpp"
#include "model/choices.hpp"
#include "model/model_system.hpp"
#include "pools/rare_use.hpp"
#include "support/system_of_processors.hpp"
#include "support/threads.hpp"

namespace synk_model {

struct world {
    // One step at a time, under a model_system: then every account is looked at, and every step can be run again.
    world(bool takes_turns, unsigned sizes_in_classes) : in_turns(takes_turns), classes(sizes_in_classes) {}

    books lent;
    const bool in_turns;
    const unsigned classes; // of the sizes that are asked for
};

inline constexpr unsigned all_classes = synk::detail::chunk_class_count;

// All, or a few small ones: then more steps are taken in the same time.
inline unsigned some_classes(choices& next) {
    return next.one_in(2) ? all_classes : static_cast<unsigned>(next.between(2, 20));
}

// The actors are among many threads that share one processor, most of which wait, or each has one for itself: where
// they share, those that seldom want a long block keep none (rare_use.hpp).
inline void share_processors(bool they_do) {
    static synk_test::worker waiting[synk::detail::rare_use::threads_a_processor + 1];
    static const bool all_have_caches = [] {
        for (auto& w : waiting) w.run([] { static_cast<void>(synk::get_sized_pool().get_sized(1)); });
        return true;
    }();
    static_cast<void>(all_have_caches);
    synk_test::system_of_processors::set_count(they_do ? 1 : 1024);
}

// Runs what may find no memory; false when it did. Without a refusal by the system since it began there is some.
template <class Work>
[[nodiscard]] bool attempt(Work work) {
    const std::size_t before = model_system::refused();
    try {
        work();
        return true;
    } catch (const std::bad_alloc&) {
        if (model_system::refused() == before) broken("bad_alloc, and the system has refused nothing");
        return false;
    }
}

// The same for what says it by an empty handle or a null pointer.
template <class Get>
[[nodiscard]] auto attempt_get(Get get) {
    const std::size_t before = model_system::refused();
    auto got = get();
    if (!got && model_system::refused() == before) broken("nothing was got, and the system has refused nothing");
    return got;
}

// Sizes at which something changes, sizes of every tier, the small ones more often, and a few large ones: in the
// classes below `classes`, so that programs with few of them have their actors meet in the same places.
inline std::size_t some_size(choices& next, unsigned classes) {
    namespace inside = synk::detail;
    const std::size_t kind = next.below(16);
    if (kind < 4) return next.between(1, 16) * 1024;
    const bool large = kind == 15 && classes == all_classes && next.one_in(16);
    const std::size_t cls = large ? classes + next.below(2 * inside::class_fan) : next.below(next.between(1, classes));
    const std::size_t around = inside::class_bytes(static_cast<unsigned>(cls));
    if (large || kind < 12) return around + next.below(3) - 1;
    return around - next.below(around / 4);
}

} // namespace synk_model
