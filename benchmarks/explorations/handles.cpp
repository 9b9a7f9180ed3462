// Asks: what does a handle cost over a bare pointer, and where do a bare pair's instructions go?
//
//     cmake --build build/bench --target explore_handles && build/bench/benchmarks/explorations/explore_handles
//     valgrind --tool=callgrind build/benchmarks/explorations/explore_handles count WAY N
//
// The difference of two counts with N and 2 N, by N, are instructions a pair; WAY is a number in the order of the
// output. The library is compiled into it with NVALGRIND, or it would notice callgrind and let every get take the slow
// way.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <synk/pool.hpp>

#include "../measure.hpp"
#include "cache_kinds.hpp"
#include "turns.hpp"

namespace {

using namespace std::chrono_literals;
namespace detail = synk::detail;

// A thread's own stacks of pointers.
struct by_floor {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        const unsigned tier = explore::bare_floor::class_of(n);
        std::byte* const data = explore::get<explore::bare_floor>(tier);
        bench::touch(data);
        explore::put<explore::bare_floor>(tier, data);
    }
};
// The hit path without its handle.
struct by_block {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        const detail::held_block b = detail::try_get(n);
        bench::touch(b.data);
        detail::put(b);
    }
};
struct by_sized {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        auto b = synk::get_sized_pool().get_sized(n);
        bench::touch(b.data());
    }
};
// As a caller does that carries the handle on.
struct by_moved {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        auto b = synk::get_sized_pool().get_sized(n);
        bench::touch(b.data());
        synk::get_sized_pool().put(std::move(b));
    }
};
struct by_try {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        auto b = synk::get_sized_pool().try_get_sized(n);
        if (b) bench::touch(b.data());
    }
};
struct by_unsized {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        auto b = synk::get_unsized_pool().get_at_least(n);
        bench::touch(b.data());
    }
};
struct by_bare {
    [[gnu::always_inline]] static void pair(std::size_t n) {
        void* const p = synk::get_sized_pool().allocate(n);
        bench::touch(static_cast<std::byte*>(p));
        synk::get_sized_pool().deallocate(p, n);
    }
};
// Of that, the atomic that two threads meet in which put the same pointer at the same time.
struct by_atomic {
    [[gnu::always_inline]] static void pair(std::size_t) {
        static std::atomic<std::uint32_t> record{0};
        record.store(record.load(std::memory_order_relaxed) | 1, std::memory_order_relaxed);
        std::uint32_t lent = 1; // relaxed, all: as the library has it
        bench::keep(record.compare_exchange_strong(lent, 0, std::memory_order_relaxed, std::memory_order_relaxed));
    }
};

template <class Way>
void pairs(std::size_t size, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        bench::make_opaque(size);
        Way::pair(size);
    }
}

template <class Work>
void for_each_way(Work work) {
    work.template operator()<by_floor>("floor");
    work.template operator()<by_block>("get and put without a handle");
    work.template operator()<by_sized>("sized");
    work.template operator()<by_moved>("sized, put()");
    work.template operator()<by_try>("try_get_sized");
    work.template operator()<by_unsized>("unsized, get_at_least");
    work.template operator()<by_bare>("allocate, deallocate");
    work.template operator()<by_atomic>("one locked instruction");
}

template <class Way>
double hot_ns(std::size_t size) {
    const auto batch = [size](std::uint64_t n) { pairs<Way>(size, n); };
    static_cast<void>(bench::run_for(3ms, batch));
    return bench::run_for(20ms, batch).ns_per_operation();
}

void count(int way, std::uint64_t n) {
    int at = 0;
    for_each_way([&]<class Way>(const char*) {
        if (at++ == way) pairs<Way>(32 << 10, n);
    });
}

} // namespace

int main(int argc, char** argv) {
    synk::options o;
    o.keeper = false;
    o.weak_after = o.gone_after = std::chrono::hours(24); // nobody visits
    synk::configure(o);
    if (argc == 4 && std::string_view(argv[1]) == "count")
        return count(std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10)), 0;
    for (const std::size_t kib : {4U, 32U, 1024U}) {
        explore::turns t("hot pair of " + std::to_string(kib) + " KiB");
        for_each_way([&]<class Way>(const char* name) { t.add(name, [=] { return hot_ns<Way>(kib << 10); }); });
        t.run(15);
    }
}
