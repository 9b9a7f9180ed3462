// The version of synk, for the preprocessor and for code.
#pragma once

#define SYNK_VERSION_MAJOR 0
#define SYNK_VERSION_MINOR 1
#define SYNK_VERSION_PATCH 0
#define SYNK_VERSION_STRING "0.1.0"
