# A variant is synk and its tests compiled in one certain way. All of them live in one build, so that one ctest runs
# them all and sums them up.

set(synk_flags_plain "")
# -Og: what the sanitizers see is the same, and the tests compile in half the time.
# g++ takes instrumented accesses for uses of what was never set (its manual warns of that): the plain variant looks.
# Clang has no such warning.
set(synk_instrumented -Og)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND synk_instrumented -Wno-maybe-uninitialized)
endif()
set(synk_flags_asan ${synk_instrumented} -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
set(synk_flags_tsan ${synk_instrumented} -fsanitize=thread)

# What runs a program of the variant: when it is asked for its tests, and when they are run.
set(synk_launcher_plain "")
# To see uses after a return, what lies on the stack is laid elsewhere. g++ 11 aligns it there to 32 bytes at most, which
# UndefinedBehaviorSanitizer takes for the program's own fault.
set(synk_after_return 1)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  set(synk_after_return 0)
endif()
set(synk_launcher_asan env
  ASAN_OPTIONS=detect_stack_use_after_return=${synk_after_return}:check_initialization_order=1:strict_string_checks=1
  UBSAN_OPTIONS=print_stacktrace=1)
# die_after_fork=0: that fork leaves both processes with a working pool is one of the promises. atexit_sleep_ms: it would
# wait for a second for races, in each process that ends with threads, as the keeper is one.
set(synk_launcher_tsan env TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:die_after_fork=0:atexit_sleep_ms=50)

# ThreadSanitizer of g++ 12 dies at once where the kernel scatters mappings widely (vm.mmap_rnd_bits = 32); without
# address space randomisation it runs. Containers may forbid that: then it is tried as it is.
execute_process(COMMAND setarch -R true RESULT_VARIABLE synk_setarch OUTPUT_QUIET ERROR_QUIET)
if(synk_setarch EQUAL 0)
  list(APPEND synk_launcher_tsan setarch -R)
endif()

# Sets `runnable` to whether a program of this variant can be built and run here.
function(synk_probe_variant variant runnable)
  set(probe ${CMAKE_CURRENT_BINARY_DIR}/probe_${variant})
  file(WRITE ${probe}.cpp "int main() {}\n")
  set(result 1)
  # Mappings are scattered at random: once may be luck.
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${synk_flags_${variant}} ${probe}.cpp -o ${probe} RESULT_VARIABLE result)
  foreach(try RANGE 9)
    if(result EQUAL 0)
      execute_process(COMMAND ${synk_launcher_${variant}} ${probe} RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
    endif()
  endforeach()
  if(result EQUAL 0)
    set(${runnable} TRUE PARENT_SCOPE)
  else()
    set(${runnable} FALSE PARENT_SCOPE)
  endif()
endfunction()

# In place of the tests that cannot run: ctest says so in its summary.
function(synk_add_skipped_variant variant)
  set(why "${variant}: no such program runs here. If it is tsan: sysctl vm.mmap_rnd_bits=28 helps, or a container that allows `setarch -R`")
  message(WARNING ${why})
  add_test(NAME ${variant}.cannot_run_here COMMAND sh -c "echo '${why}'; exit 77")
  set_tests_properties(${variant}.cannot_run_here PROPERTIES SKIP_RETURN_CODE 77 LABELS ${variant})
endfunction()

# Compiles a target's sources as one: a sixth of the time. Not for what measures or tests the library as users have it.
function(synk_compile_as_one target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
endfunction()

# Builds the library and what tests share as synk_VARIANT, with the inner headers to be included by tests.
# Always static and of its own: the assertions are on, and a shared library hides what tests of the inside need.
function(synk_add_variant variant runnable)
  if(NOT DEFINED synk_flags_${variant})
    message(FATAL_ERROR "There is no variant '${variant}' of the tests, only plain, asan and tsan")
  endif()
  synk_probe_variant(${variant} can_run)
  set(${runnable} ${can_run} PARENT_SCOPE)
  if(NOT can_run)
    synk_add_skipped_variant(${variant})
    return()
  endif()

  file(GLOB support CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/support/*.cpp)
  add_library(synk_${variant} STATIC ${synk_sources} ${support})
  synk_library_settings(synk_${variant})
  target_include_directories(synk_${variant} PUBLIC ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(synk_${variant} PUBLIC ${synk_flags_${variant}} -UNDEBUG)
  if(variant STREQUAL plain)
    target_compile_options(synk_plain INTERFACE -O1) # the tests: a third less to compile; the library as users have it
  else()
    synk_compile_as_one(synk_${variant})
  endif()
  target_link_options(synk_${variant} PUBLIC ${synk_flags_${variant}})
  synk_add_common_headers(${variant})
endfunction()

# What nearly every test includes, compiled once a variant: a third of the time that the tests take to build.
function(synk_add_common_headers variant)
  set(target common_headers_${variant})
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp "")
  add_library(${target} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  synk_warnings(${target})
  target_link_libraries(${target} PRIVATE synk_${variant} GTest::gmock)
  target_precompile_headers(${target} PRIVATE <gmock/gmock.h> <gtest/gtest.h> <thread> <chrono> <random>)
endfunction()

# Reads "// <key>: words" out of a test's file, as a list.
function(synk_read_setting file key out)
  file(STRINGS ${file} line REGEX "^// ${key}: " LIMIT_COUNT 1)
  string(REPLACE "// ${key}: " "" line "${line}")
  separate_arguments(words UNIX_COMMAND "${line}")
  set(${out} ${words} PARENT_SCOPE)
endfunction()

# "pool" for tests/pool_test.cpp, "fork.child" for tests/fork/child_test.cpp.
function(synk_test_name file out)
  cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/tests OUTPUT_VARIABLE name)
  string(REGEX REPLACE "_test\\.cpp$" "" name ${name})
  string(REPLACE "/" "." name ${name})
  set(${out} ${name} PARENT_SCOPE)
endfunction()

# Adds the tests of one file, as a program in every variant that it wants. More sources may follow.
function(synk_add_test file)
  synk_test_name(${file} name)
  synk_read_setting(${file} ctest-variants wanted)
  foreach(variant IN LISTS synk_runnable_variants)
    if(NOT wanted OR variant IN_LIST wanted)
      synk_add_variant_test(${variant} ${name} ${file} ${ARGN})
    endif()
  endforeach()
endfunction()

# Adds a file to those of its folder that want the same variants, or by itself if it wants more of ctest.
# synk_add_sorted_tests() makes programs of them, "fork.all" and "fork.plain_asan"; of those in no folder,
# "all" and "plain_asan".
function(synk_sort_test file)
  foreach(key IN ITEMS ctest ctest-environment ctest-program)
    synk_read_setting(${file} ${key} setting)
    if(setting)
      synk_add_test(${file})
      return()
    endif()
  endforeach()
  synk_read_setting(${file} ctest-variants variants)
  list(JOIN variants "_" variants)
  if(NOT variants)
    set(variants all)
  endif()
  synk_test_name(${file} name)
  string(REGEX REPLACE "[^.]+$" "${variants}" program ${name})
  set_property(DIRECTORY APPEND PROPERTY synk_programs ${program})
  set_property(DIRECTORY APPEND PROPERTY synk_files_of_${program} ${file})
endfunction()

function(synk_add_sorted_tests)
  get_property(programs DIRECTORY PROPERTY synk_programs)
  list(REMOVE_DUPLICATES programs)
  foreach(program IN LISTS programs)
    get_property(files DIRECTORY PROPERTY synk_files_of_${program})
    list(GET files 0 first)
    synk_read_setting(${first} ctest-variants wanted)
    foreach(variant IN LISTS synk_runnable_variants)
      if(NOT wanted OR variant IN_LIST wanted)
        synk_add_variant_test(${variant} ${program} ${files})
        if(NOT SYNK_TEST_APART)
          synk_compile_as_one(${program}.${variant})
        endif()
      endif()
    endforeach()
  endforeach()
endfunction()

function(synk_add_variant_test variant name file)
  synk_read_setting(${file} ctest properties)
  synk_read_setting(${file} ctest-environment environment)
  if(environment)
    list(PREPEND environment env)
  endif()
  set(target ${name}.${variant})
  add_executable(${target} ${file} ${ARGN})
  synk_warnings(${target})
  target_link_libraries(${target} PRIVATE synk_${variant} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${target} REUSE_FROM common_headers_${variant})
  set_target_properties(${target} PROPERTIES CROSSCOMPILING_EMULATOR "${environment};${synk_launcher_${variant}}")

  string(REGEX MATCH "^[^.]+\\." hazard ${name})
  gtest_discover_tests(${target} TEST_PREFIX ${variant}.${hazard} DISCOVERY_TIMEOUT 120
    PROPERTIES LABELS ${variant} TIMEOUT ${SYNK_TEST_TIMEOUT} ${properties})
endfunction()
