# Compiler launcher, linker, warnings, sanitizers. Everything that is true of every target.

# Paths below the checkout count as relative, so that a fresh clone finds what another one compiled; the two sloppiness
# settings are what precompiled headers need.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these wrongly inside an inlined std::string (GCC bugs 105329, 105651); clang-tidy and the address
  # sanitizer look for the real ones.
  add_compile_options(-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The headers of libstdc++ 12 use what they call deprecated (std::get_temporary_buffer, in stable_sort).
  add_compile_options(-Wno-deprecated-declarations)
endif()
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong -fcf-protection)
if(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
# Everything ends in executables, libraries too: one flag for all, so that they can share precompiled headers.
add_compile_options(-fPIE)
add_link_options(-pie -Wl,-z,relro -Wl,-z,now)

if(CONCLAVE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized)  # instrumented std::variant confuses g++ 12 (GCC bug 105562)
endif()
if(CONCLAVE_SANITIZE STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(CONCLAVE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(CONCLAVE_SANITIZE)
  message(FATAL_ERROR "CONCLAVE_SANITIZE=${CONCLAVE_SANITIZE}: use address+undefined or thread")
endif()

if(CONCLAVE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  # They cost a quarter of the time to compile state/service/overlay.cc. AddressSanitizer sees most of what null and
  # object-size would, not what vptr would; the preset asan has all three.
  add_compile_options(-fno-sanitize=null,object-size,vptr)
endif()

if(CONCLAVE_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
