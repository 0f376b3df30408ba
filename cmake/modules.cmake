# One static library per module. Its links are its row of docs/layers.toml; tools/check_layers.py checks both.
#
#   conclave_module(storage DEPS env consensus/api base LIBS zstd)
#
# compiles every src/storage/*.cc that is not a test into the library conclave_storage, and every
# src/storage/*_test.cc into the test program storage_test.
#
# Sources named under PLANTED contain planted bugs: cmake/plants.cmake. The test program of such a module has a twin too,
# planted_storage_test.
#
# Sources of a module are compiled in groups, as one each (CONCLAVE_UNITE): what all of a group include and instantiate is
# compiled once, which takes a third to a half of the time. So sources of a group may not use one name for two things in
# their unnamed namespaces. Tests that have words of their own go into a namespace of the name of their file; APART names
# sources that have a reason to be compiled alone. The presets debug, tsan and coverage compile every source alone: each
# includes what it uses.
#
# Headers of the standard library, fmt and GoogleTest are compiled once (conclave_pch, conclave_test_pch). A source still
# includes what it uses: -DCONCLAVE_PCH=OFF builds without them, and the presets debug and tsan do.
option(CONCLAVE_PCH "Share precompiled headers" ON)
set(CONCLAVE_PCH_HEADERS
    <algorithm> <array> <cstdint> <cstring> <deque> <expected> <functional> <map> <memory> <optional> <ranges> <set>
    <span> <string> <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)

option(CONCLAVE_UNITE "Compile the sources of a module in groups" ON)
set(CONCLAVE_UNITED_MAX 6)  # sources of one group: it is also what is compiled again when one of them changes
if(CONCLAVE_UNITE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-subobject-linkage)  # sources of a group look like headers to it
endif()

add_custom_target(generated_sources)  # all that clang-tidy needs of a build

# Instrumented and unoptimized programs take several times as long.
if(CONCLAVE_COVERAGE OR CONCLAVE_SANITIZE)
  set(CONCLAVE_TEST_SECONDS_MAX 1200)
else()
  set(CONCLAVE_TEST_SECONDS_MAX 300)
endif()

# Code of tests runs a few times only: less optimization saves a quarter of the time to compile it.
set(CONCLAVE_TEST_OPTIONS $<$<CONFIG:RelWithDebInfo>:-O1>)

# conclave_precompiled(TARGET [TEST]): TARGET shares them.
function(conclave_precompiled target)
  if(CONCLAVE_PCH)
    if("TEST" IN_LIST ARGN)
      target_precompile_headers(${target} REUSE_FROM conclave_test_pch)
    else()
      target_precompile_headers(${target} REUSE_FROM conclave_pch)
    endif()
  endif()
endfunction()

function(conclave_make_precompiled)
  if(NOT CONCLAVE_PCH)
    return()
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cc "")
  add_library(conclave_pch STATIC ${CMAKE_BINARY_DIR}/pch/empty.cc)
  target_link_libraries(conclave_pch PRIVATE fmt::fmt)
  target_precompile_headers(conclave_pch PRIVATE ${CONCLAVE_PCH_HEADERS})
  add_library(conclave_test_pch STATIC ${CMAKE_BINARY_DIR}/pch/empty.cc)
  target_link_libraries(conclave_test_pch PRIVATE fmt::fmt GTest::gmock)
  target_compile_options(conclave_test_pch PRIVATE ${CONCLAVE_TEST_OPTIONS})
  target_precompile_headers(conclave_test_pch PRIVATE ${CONCLAVE_PCH_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# conclave_unite(OUT NAME SOURCES <sources> [APART <sources>]): OUT is what to compile for SOURCES: sources of the build
# folder that include a group each, and those of them that are in APART. The groups name their members by their paths in
# src/, so that a fresh clone finds in the compiler cache what another one compiled.
function(conclave_unite out name)
  cmake_parse_arguments(ARG "" "" "SOURCES;APART" ${ARGN})
  set(sources ${ARG_SOURCES})
  if(NOT CONCLAVE_UNITE)
    set(${out} ${sources} PARENT_SCOPE)
    return()
  endif()
  set(alone ${sources})
  list(REMOVE_ITEM sources ${ARG_APART})
  list(REMOVE_ITEM alone ${sources})
  list(LENGTH sources count)
  math(EXPR groups "(${count} + ${CONCLAVE_UNITED_MAX} - 1) / ${CONCLAVE_UNITED_MAX}")
  foreach(group RANGE 1 ${groups})
    if(count EQUAL 0)
      break()
    endif()
    math(EXPR begin "(${group} - 1) * ${count} / ${groups}")
    math(EXPR size "${group} * ${count} / ${groups} - ${begin}")
    list(SUBLIST sources ${begin} ${size} members)
    list(TRANSFORM members REPLACE "^${CMAKE_SOURCE_DIR}/src/(.*)$" "#include \"\\1\"\n")
    list(JOIN members "" content)
    set(file ${CMAKE_BINARY_DIR}/united/${name}_${group}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "${content}" @ONLY)
    list(APPEND alone ${file})
  endforeach()
  set(${out} ${alone} PARENT_SCOPE)
endfunction()

function(conclave_module module)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;PLANTED;APART;TEST_DEPS;TEST_LIBS" ${ARGN})
  string(REPLACE "/" "_" name ${module})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${module}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(planted ${ARG_PLANTED})
  list(TRANSFORM planted PREPEND ${CMAKE_SOURCE_DIR}/src/${module}/)
  set(apart ${ARG_APART})
  list(TRANSFORM apart PREPEND ${CMAKE_SOURCE_DIR}/src/${module}/)

  if(sources)
    list(REMOVE_ITEM sources ${planted})
    conclave_unite(planted ${name}_planted SOURCES ${planted} APART ${apart})
    conclave_unite(sources ${name} SOURCES ${sources} APART ${apart})
    add_library(conclave_${name} STATIC ${planted} ${sources})
    set(visibility PUBLIC)
  else()
    add_library(conclave_${name} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(conclave_${name} ${visibility} $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>)
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep ${dep})
    target_link_libraries(conclave_${name} ${visibility} conclave_${dep})
  endforeach()
  target_link_libraries(conclave_${name} ${visibility} ${ARG_LIBS})
  if(sources)
    conclave_precompiled(conclave_${name})
  endif()
  conclave_twin(${name} PLANTED ${planted} DEPS ${ARG_DEPS} LIBS ${ARG_LIBS})

  if(tests)
    conclave_unite(tests ${name}_test SOURCES ${tests} APART ${apart})
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE conclave_${name} GTest::gmock GTest::gtest_main ${ARG_TEST_LIBS})
    foreach(dep ${ARG_TEST_DEPS})
      string(REPLACE "/" "_" dep ${dep})
      target_link_libraries(${name}_test PRIVATE conclave_${dep})
    endforeach()
    target_compile_options(${name}_test PRIVATE ${CONCLAVE_TEST_OPTIONS})
    conclave_precompiled(${name}_test TEST)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${CONCLAVE_TEST_SECONDS_MAX})
    if(ARG_PLANTED)
      conclave_planted_program(planted_${name}_test ${name}_test)
      add_dependencies(planted_tests planted_${name}_test)
    endif()
  endif()
endfunction()
