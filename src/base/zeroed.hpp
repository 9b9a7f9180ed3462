// A large static object whose initial state is all zeros, without the compiler having to evaluate every element of it.
#pragma once

#include <type_traits>

namespace synk::inline v1::detail {

// T: atomics, and arrays and classes of them, all of whose members are zero at first. Only for objects with static
// storage, which the program loader zeroes; on our machines an atomic of zero bits is an atomic that holds zero.
template <class T>
class zeroed {
public:
    constexpr zeroed() noexcept : nothing(0) {}
    [[nodiscard]] T& operator*() noexcept { return object; }
    [[nodiscard]] T* operator->() noexcept { return &object; }

private:
    static_assert(std::is_trivially_destructible_v<T>, "it is used until the process has ended");
    union {
        char nothing;
        T object;
    };
};

} // namespace synk::inline v1::detail
