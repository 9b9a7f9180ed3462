// synk: a pool of byte buffers that are reused instead of allocated and freed. This header is all of it.
#pragma once

#include <synk/buffer.hpp>
#include <synk/bytes.hpp>
#include <synk/options.hpp>
#include <synk/sized_pool.hpp>
#include <synk/stats.hpp>
#include <synk/unsized_pool.hpp>
#include <synk/version.hpp>
