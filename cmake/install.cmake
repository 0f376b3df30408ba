# What `cmake --install build/release --prefix DIR` installs: the program, and the CMake package `conclave` with
#
#   conclave::client      the lock service for programs with threads (src/client/blocking); C++23
#   conclave::sequencer   header only, no dependency: servers verify sequencers with it; C++17
#
# Headers are below include/conclave. They include each other by their path in src/, hence two include directories.
# docs/client.md tells users.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS conclave RUNTIME)
install(FILES LICENSE TYPE DOC)
install(DIRECTORY docs/ TYPE DOC FILES_MATCHING PATTERN "*.md" PATTERN "requirements" EXCLUDE PATTERN "adr" EXCLUDE)

# What the public headers include. The test `client` of tests/system compiles each of them alone, out of the tree.
set(public_headers
  base/bytes.h base/ids.h base/result.h base/task.h base/time.h
  env/executor.h env/network.h
  client/chubby/types.h client/chubby/options.h client/chubby/lock_service.h client/chubby/fake.h
  client/chubby/recipe_file.h client/chubby/recipe_barrier.h client/chubby/recipe_config_set.h
  client/chubby/recipe_election.h client/chubby/recipe_mutex.h client/chubby/recipe_numbers.h
  client/chubby/recipe_presence.h client/chubby/recipe_semaphore.h
  client/blocking/client.h client/blocking/core.h client/blocking/lock.h client/blocking/loop_thread.h
  client/blocking/on_loop.h client/blocking/pending_call.h client/blocking/servers.h
  wire/chubby/sequencer.h)
foreach(header ${public_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES src/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/conclave/${folder})
endforeach()

add_library(conclave_sequencer INTERFACE)
target_compile_features(conclave_sequencer INTERFACE cxx_std_17)
set_target_properties(conclave_sequencer PROPERTIES EXPORT_NAME sequencer)
install(TARGETS conclave_sequencer EXPORT conclaveSequencer INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(libraries base env os wire_chubby chubby_messages client_chubby client_blocking)
list(TRANSFORM libraries PREPEND conclave_)
target_compile_features(conclave_base PUBLIC cxx_std_23)
set_target_properties(conclave_client_blocking PROPERTIES EXPORT_NAME client)
install(TARGETS ${libraries} EXPORT conclaveClient
  ARCHIVE
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${CMAKE_INSTALL_INCLUDEDIR}/conclave)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/conclave)
install(EXPORT conclaveSequencer NAMESPACE conclave:: DESTINATION ${package})
install(EXPORT conclaveClient NAMESPACE conclave:: DESTINATION ${package})
configure_package_config_file(cmake/conclaveConfig.cmake.in ${CMAKE_BINARY_DIR}/conclaveConfig.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/conclaveConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/conclaveConfig.cmake ${CMAKE_BINARY_DIR}/conclaveConfigVersion.cmake
  DESTINATION ${package})
