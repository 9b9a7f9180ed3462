// Objects in two translation units that use the pool before and after main(), and one that only main() fills.
#include "held.hpp"

held& in_other_unit();
extern held other_unit;

static held in_this_unit("static in the first unit", 1000);
static synk::bytes filled_by_main;
static thread_local held of_the_main_thread("thread_local", 2000);

int main() {
    std::puts("main begins");
    static_cast<void>(of_the_main_thread.key);
    static_cast<void>(in_other_unit().key);
    filled_by_main = synk::get_sized_pool().get_sized(70'000);
    std::swap(in_this_unit.small, other_unit.small); // each unit puts what the other got
    std::swap(in_this_unit.key, other_unit.key);
    std::swap(in_this_unit.large, other_unit.large);
    std::puts("main ends");
}
