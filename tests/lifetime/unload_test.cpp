// dlclose of what contains the pool, with blocks lent, threads that have used it, and threads that end later.
#include <cstring>
#include <ostream>
#include <thread>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <synk/synk.h>

#include "support/child.hpp"
#include "support/threads.hpp"

namespace {

using synk_test::ends_well;
using synk_test::in_child;
using synk_test::require;
using synk_test::worker;

struct library {
    const char* path;
    const char* prefix; // of its functions
};
std::ostream& operator<<(std::ostream& out, const library& shown) { return out << shown.path; }
constexpr library libraries[] = {{SYNK_PLUGIN, "plugin_"}, {SYNK_SHARED, "synk_"}};

// A loaded library with a pool; not this program's own.
class other_pool {
public:
    explicit other_pool(const library& from) : handle_(::dlopen(from.path, RTLD_NOW | RTLD_LOCAL)) {
        require(handle_ != nullptr, "the library can be loaded");
        find(from, "get", get);
        find(from, "put", put);
    }
    void unload() { require(::dlclose(handle_) == 0, "the library can be unloaded"); }

    void* (*get)(std::size_t) = nullptr;
    void (*put)(void*) = nullptr;

    // Gets and puts, so that there is a cache, and a keeper.
    void use() const {
        for (const std::size_t n : {std::size_t{5000}, std::size_t{2'000'000}, std::size_t{6'000'000}}) {
            void* const p = get(n);
            std::memset(p, 1, n);
            put(p);
        }
    }

private:
    template <class Function>
    void find(const library& from, const char* name, Function& function) {
        void* const symbol = ::dlsym(handle_, (std::string(from.prefix) + name).c_str());
        require(symbol != nullptr, "the library has its functions");
        std::memcpy(&function, &symbol, sizeof(symbol));
    }
    void* handle_;
};

class Unload : public testing::TestWithParam<library> {};

TEST_P(Unload, ThenTheThreadsEnd) {
    EXPECT_TRUE(ends_well(in_child([] {
        other_pool pool(GetParam());
        pool.use();
        worker one, two;
        one.run([&] { pool.use(); });
        two.run([&] { pool.use(); });
        pool.unload();
    })));
}

TEST_P(Unload, ThenTheBlocksArePut) {
    EXPECT_TRUE(ends_well(in_child([] {
        other_pool pool(GetParam());
        void* const small = pool.get(5000);
        void* const large = pool.get(6'000'000);
        worker other;
        void* of_other = nullptr;
        other.run([&] { of_other = pool.get(70'000); });
        pool.unload();
        std::memset(large, 2, 6'000'000);
        pool.put(small);
        pool.put(large);
        other.run([&] { pool.put(of_other); });
    })));
}

TEST_P(Unload, ThenItForks) {
    EXPECT_TRUE(ends_well(in_child([] {
        other_pool pool(GetParam());
        pool.use();
        pool.unload();
        require(in_child([] {}).good(), "a child ends well");
    })));
}

TEST_P(Unload, AndLoadAgain) {
    EXPECT_TRUE(ends_well(in_child([] {
        worker other;
        for (int i = 0; i < 100; ++i) {
            other_pool pool(GetParam());
            pool.use();
            other.run([&] { pool.use(); });
            pool.unload();
        }
    })));
}

TEST_P(Unload, FromAThreadThatEnds) {
    EXPECT_TRUE(ends_well(in_child([] {
        std::thread([] {
            other_pool pool(GetParam());
            pool.use();
            pool.unload();
        }).join();
    })));
}

// A thread that was made while a library is loaded uses the pool: dlopen still holds the loader's lock.
TEST_P(Unload, FirstUseWhileTheLoaderIsBusy) {
    EXPECT_TRUE(ends_well(in_child([] {
        other_pool pool(GetParam());
        struct context {
            other_pool* pool;
        } c{&pool};
        // dl_iterate_phdr calls back with the loader's lock held.
        ::dl_iterate_phdr(
            [](dl_phdr_info*, std::size_t, void* data) {
                std::thread([data] { static_cast<context*>(data)->pool->use(); }).join();
                return 1;
            },
            &c);
    })));
}

INSTANTIATE_TEST_SUITE_P(Libraries, Unload, testing::ValuesIn(libraries),
                         [](const auto& test) { return std::string(test.index == 0 ? "Plugin" : "SharedLibrary"); });

} // namespace
