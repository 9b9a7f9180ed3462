#include "cache/stay_loaded.hpp"

#include <dlfcn.h>
#include <link.h>

// Weak: a static program need not have a loader, and unloads nothing. Where its other libraries bring one in, the
// linker warns of it all the same.
#pragma weak dladdr1
#pragma weak dlopen

namespace synk::inline v1::detail {

namespace {

// The library that contains this code; null for the program itself.
const char* own_library() noexcept {
    Dl_info unused;
    void* map = nullptr;
    if (dladdr1 == nullptr) return nullptr;
    if (::dladdr1(reinterpret_cast<const void*>(&stay_loaded), &unused, &map, RTLD_DL_LINKMAP) == 0) return nullptr;
    const char* const name = static_cast<const link_map*>(map)->l_name;
    return name != nullptr && *name != '\0' ? name : nullptr; // the program has no name
}

} // namespace

void stay_loaded() noexcept {
    const char* const library = own_library();
    if (library == nullptr || dlopen == nullptr) return;
    ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

} // namespace synk::inline v1::detail
