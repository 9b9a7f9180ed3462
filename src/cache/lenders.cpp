#include "cache/lenders.hpp"

namespace synk::inline v1::detail {

namespace {

constinit atomic<unsigned> caches_named{0}; // relaxed: the addition alone decides whose a number is
constinit atomic<cache_record*> lenders[put_bias::most_lenders]{};

} // namespace

void name_as_lender(cache_record& c) noexcept {
    const unsigned before = caches_named.fetch_add(1, memory_order_relaxed);
    if (before >= put_bias::most_lenders) return;
    c.bias.begin(before + 1);
    lenders[before].store(&c, memory_order_release); // publishes the cache to lender_of()
}

cache_record* lender_of(unsigned number) noexcept {
    if (number == put_bias::nobody) return nullptr;
    return lenders[number - 1].load(memory_order_acquire); // pairs with name_as_lender()
}

} // namespace synk::inline v1::detail
