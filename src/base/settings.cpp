#include "base/settings.hpp"

namespace synk::inline v1::detail {

constinit settings the_settings;

} // namespace synk::inline v1::detail
