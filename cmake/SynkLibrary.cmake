# What every build of the library has in common: the one that users get, and the sanitized ones that the tests get.

# Warnings are for those who work on synk: a consumer's compiler may be newer than any that we have seen.
function(synk_warnings target)
  if(NOT PROJECT_IS_TOP_LEVEL)
    return()
  endif()
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-align -Wcast-qual
    -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wundef -Wextra-semi)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 sees overlapping copies in any "text" + std::string that it inlines (GCC bug 105329).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(SYNK_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# Compatible versions share the name that programs are linked to. While the major version is 0, a minor one may break.
function(synk_soversion out)
  if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(${out} ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} PARENT_SCOPE)
  else()
    set(${out} ${PROJECT_VERSION_MAJOR} PARENT_SCOPE)
  endif()
endfunction()

# Of all this, the include folder, the language level and the need for threads reach a consumer, and nothing else.
function(synk_library_settings target)
  synk_soversion(soversion)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE Threads::Threads)
  target_compile_options(${target} PRIVATE -fexceptions) # whatever the users' tree is compiled with: it throws
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    VERSION ${PROJECT_VERSION} SOVERSION ${soversion})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    # Handles and the threads' caches may outlive a dlclose: the code that puts them back has to stay.
    target_link_options(${target} PRIVATE LINKER:-z,nodelete)
  endif()
  synk_warnings(${target})
endfunction()

# The library as users build it, whatever the rest is built with, for who counts its instructions. NVALGRIND: or it would
# notice callgrind, and let every get and put take the slow way.
function(synk_add_counted)
  if(TARGET synk_counted)
    return()
  endif()
  add_library(synk_counted STATIC EXCLUDE_FROM_ALL ${synk_sources})
  synk_library_settings(synk_counted)
  target_include_directories(synk_counted PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(synk_counted PUBLIC -O2 -DNDEBUG PRIVATE -DNVALGRIND)
endfunction()
