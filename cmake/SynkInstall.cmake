# install(): the library, its headers, its licence, a package for find_package() and one for pkg-config. All of it may be
# moved to another prefix afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# What a program in C lacks when it is linked to the static library.
set(synk_cxx_runtime ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER synk_cxx_runtime INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+)$")
list(REMOVE_DUPLICATES synk_cxx_runtime)
if(NOT synk_cxx_runtime)
  set(synk_cxx_runtime stdc++)
endif()

install(TARGETS synk EXPORT synkTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/synk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/synk)

set(synk_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/synk)
install(EXPORT synkTargets NAMESPACE synk:: DESTINATION ${synk_package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/synkConfig.cmake.in ${PROJECT_BINARY_DIR}/synkConfig.cmake
  INSTALL_DESTINATION ${synk_package_dir})
# While the major version is 0, a minor one may break its users.
set(synk_compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(synk_compatibility SameMinorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/synkConfigVersion.cmake COMPATIBILITY ${synk_compatibility})
install(FILES ${PROJECT_BINARY_DIR}/synkConfig.cmake ${PROJECT_BINARY_DIR}/synkConfigVersion.cmake
  DESTINATION ${synk_package_dir})

# synk.pc finds its prefix from where it stands, if it stands under the prefix.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(synk_pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH synk_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" synk_up ${synk_up})
  set(synk_pc_prefix "\${pcfiledir}/${synk_up}")
endif()
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE synk_pc_libdir)
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE synk_pc_includedir)
# Where there is only the static library, nobody has to ask for --static.
set(synk_pc_private "-pthread -l${synk_cxx_runtime}")
get_target_property(synk_type synk TYPE)
if(synk_type STREQUAL "STATIC_LIBRARY")
  set(synk_pc_public " ${synk_pc_private}")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/synk.pc.in ${PROJECT_BINARY_DIR}/synk.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/synk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
