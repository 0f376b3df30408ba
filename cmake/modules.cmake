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
# Headers of the standard library, fmt and GoogleTest are compiled once (conclave_pch, conclave_test_pch). A source still
# includes what it uses: -DCONCLAVE_PCH=OFF builds without them, and the presets debug and tsan do.
option(CONCLAVE_PCH "Share precompiled headers" ON)
set(CONCLAVE_PCH_HEADERS
    <algorithm> <array> <cstdint> <cstring> <deque> <expected> <functional> <map> <memory> <optional> <ranges> <set>
    <span> <string> <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)

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

function(conclave_module module)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;PLANTED;TEST_DEPS;TEST_LIBS" ${ARGN})
  string(REPLACE "/" "_" name ${module})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${module}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  if(sources)
    add_library(conclave_${name} STATIC ${sources})
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
  conclave_twin(${name} PLANTED ${ARG_PLANTED} DEPS ${ARG_DEPS} LIBS ${ARG_LIBS})

  if(tests)
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
