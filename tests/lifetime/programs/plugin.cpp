// A plugin with a pool of its own, linked statically: what its host calls.
#include <synk/pool.hpp>
#include <synk/synk.h>

#define PLUGIN_API extern "C" __attribute__((visibility("default")))

PLUGIN_API void* plugin_get(std::size_t n) { return synk_get(n); }
PLUGIN_API void plugin_put(void* p) { synk_put(p); }
PLUGIN_API void plugin_stats(synk_stats* out) { synk_get_stats(out); }
