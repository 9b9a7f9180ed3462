#include "checks/misuse.hpp"

#include "checks/fatal.hpp"

namespace synk::inline v1::detail {

void fail_foreign_handle(const char* verb, const void* p) noexcept {
    fatal("%s of %p: not a block of this pool; its handle is of another copy of synk in this process, or was copied "
          "and put a second time: link all of it to one libsynk.so; move handles, never copy their bytes",
          verb, p);
}

void fail_copied_handle(const char* verb, const void* p) noexcept {
    fatal("%s of %p: this block is idle in the pool or somebody else's already; it was put a second time, by the copy "
          "of a handle: move handles, never copy their bytes",
          verb, p);
}

void fail_corrupted(const char* verb, const void* p) noexcept {
    fatal("%s of %p: the record of this block is corrupted; something has written into the pool's own memory: look for "
          "a wild write with AddressSanitizer or Valgrind",
          verb, p);
}

} // namespace synk::inline v1::detail
