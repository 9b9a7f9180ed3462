# The version is written once, in <synk/version.hpp>; CMake, pkg-config and the file name of the library take it from there.

# Sets `out` to "major.minor.patch" as the header's macros say it.
function(synk_read_version header out)
  foreach(part IN ITEMS MAJOR MINOR PATCH)
    file(STRINGS ${header} line REGEX "^#define SYNK_VERSION_${part} [0-9]+$")
    string(REGEX MATCH "[0-9]+$" number "${line}")
    if(number STREQUAL "")
      message(FATAL_ERROR "${header} defines no SYNK_VERSION_${part}")
    endif()
    list(APPEND numbers ${number})
  endforeach()
  list(JOIN numbers "." version)

  # The string stands beside the numbers for the reader's sake; it must not say something else.
  file(STRINGS ${header} line REGEX "^#define SYNK_VERSION_STRING \"${version}\"$")
  if(line STREQUAL "")
    message(FATAL_ERROR "SYNK_VERSION_STRING in ${header} is not \"${version}\", as the numbers above it say")
  endif()

  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
  set(${out} ${version} PARENT_SCOPE)
endfunction()
