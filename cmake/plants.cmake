# Planted bugs (src/base/plant.h): programs that contain them, beside the ordinary ones that do not.
#
# Every module conclave_x has a twin conclave_x_planted, made by conclave_module(). The sources that it names under
# PLANTED are compiled once more for it, with CONCLAVE_PLANTS; every other object is that of the ordinary library, since
# no header depends on CONCLAVE_PLANTS. A twin links the twins of its dependencies, so a program holds either kind and
# never both. Twins are built only when a planted program is.
#
#   conclave_planted_program(conclave_planted conclave)
#
# is the program conclave, same objects, linked with the twin of each of its libraries.

add_custom_target(planted_tests)  # the unit tests of every module that contains planted bugs

# conclave_twin(NAME PLANTED <sources> DEPS <modules> LIBS <libraries>): the twin of the library conclave_NAME.
function(conclave_twin name)
  cmake_parse_arguments(ARG "" "" "PLANTED;DEPS;LIBS" ${ARGN})
  set(twin conclave_${name}_planted)
  get_target_property(type conclave_${name} TYPE)
  if(ARG_PLANTED)
    list(TRANSFORM ARG_PLANTED REPLACE "^.*/" "" OUTPUT_VARIABLE planted)
    list(JOIN planted "|" planted)
    string(REPLACE "." "[.]" planted "${planted}")
    add_library(${twin} STATIC EXCLUDE_FROM_ALL
      ${ARG_PLANTED} "$<FILTER:$<TARGET_OBJECTS:conclave_${name}>,EXCLUDE,/(${planted})[.]o$>")
    target_compile_definitions(${twin} PRIVATE CONCLAVE_PLANTS)
    target_include_directories(${twin} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${twin} PRIVATE conclave_base_plant)
    conclave_precompiled(${twin})
    set(visibility PUBLIC)
  elseif(type STREQUAL "INTERFACE_LIBRARY")
    add_library(${twin} INTERFACE)
    set(visibility INTERFACE)
  else()
    add_library(${twin} STATIC IMPORTED GLOBAL)  # the ordinary archive, with other dependencies
    get_target_property(folder conclave_${name} BINARY_DIR)
    set_target_properties(${twin} PROPERTIES IMPORTED_LOCATION ${folder}/libconclave_${name}.a)
    add_dependencies(${twin} conclave_${name})
    set(visibility INTERFACE)
  endif()
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep ${dep})
    target_link_libraries(${twin} ${visibility} conclave_${dep}_planted)
  endforeach()
  target_link_libraries(${twin} ${visibility} ${ARG_LIBS})
endfunction()

function(conclave_planted_program program original)
  add_executable(${program} EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${original}>)
  set_target_properties(${program} PROPERTIES LINKER_LANGUAGE CXX)
  get_target_property(libraries ${original} LINK_LIBRARIES)
  list(TRANSFORM libraries APPEND _planted REGEX "^conclave_")
  target_link_libraries(${program} PRIVATE ${libraries})
endfunction()
