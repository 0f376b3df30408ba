# One static library per module. Its links are its row of docs/layers.toml; tools/check_layers.py checks both.
#
#   conclave_module(storage DEPS env consensus/api base LIBS zstd)
#
# compiles every src/storage/*.cc that is not a test into the library conclave_storage, and every
# src/storage/*_test.cc into the test program storage_test.
function(conclave_module module)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
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
  target_include_directories(conclave_${name} ${visibility} ${CMAKE_SOURCE_DIR}/src)
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep ${dep})
    target_link_libraries(conclave_${name} ${visibility} conclave_${dep})
  endforeach()
  target_link_libraries(conclave_${name} ${visibility} ${ARG_LIBS})

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE conclave_${name} GTest::gmock GTest::gtest_main ${ARG_TEST_LIBS})
    foreach(dep ${ARG_TEST_DEPS})
      string(REPLACE "/" "_" dep ${dep})
      target_link_libraries(${name}_test PRIVATE conclave_${dep})
    endforeach()
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  endif()
endfunction()
