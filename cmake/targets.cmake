# How our own targets are compiled: warnings are errors, sanitizers come from the preset.
add_library(mintmark_options INTERFACE)
target_compile_options(mintmark_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Werror)
target_include_directories(mintmark_options INTERFACE ${PROJECT_SOURCE_DIR})

set(MINTMARK_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize takes them")
if(MINTMARK_SANITIZE)
  # Of the undefined behaviour that is looked for, three kinds are left out. That of virtual tables asks the kernel
  # whether memory can be read, through a descriptor, and reports corruption where a test has left none. Null pointers
  # and alignment are checked at every access, a third of all that is compiled: a null pointer ends the process under
  # the address sanitizer too, and what we cast we cast to bytes.
  add_compile_options(-fsanitize=${MINTMARK_SANITIZE} -fno-sanitize=vptr,null,alignment -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MINTMARK_SANITIZE} -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/sanitized.map)
endif()

option(MINTMARK_FUZZ "Build the fuzz targets; needs clang and a sanitizer" OFF)

# Most of a compiler's time goes into the headers of libraries. So sources are compiled two dozen at a time, in a quarter
# of it; therefore what a file declares for itself alone has a name of its own in its folder. The short names of tests
# recur: each test file has a namespace of its own, which bears its name.
option(MINTMARK_UNITY "Compile sources two dozen at a time")
function(mintmark_unity name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${MINTMARK_UNITY} UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${name} SOURCES)
  set(index 0)
  foreach(source IN LISTS sources)
    math(EXPR group "${index} / 24")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
    math(EXPR index "${index} + 1")
  endforeach()
endfunction()

# mintmark_library(NAME SOURCES…): a static library of the product, found by includes from the root.
function(mintmark_library name)
  add_library(${name} STATIC ${ARGN})
  mintmark_unity(${name})
  target_link_libraries(${name} PUBLIC mintmark_options)
endfunction()

# mintmark_program(NAME): links it with an allocator that makes and frees the many small strings of events in a sixth of
# the time that glibc's takes. Sanitizers bring their own.
function(mintmark_program name)
  if(NOT MINTMARK_SANITIZE)
    target_link_libraries(${name} PRIVATE mimalloc)
  endif()
endfunction()

# Code that only tests run is compiled in half the time without optimization. What is tested keeps it.
function(mintmark_unoptimized name)
  target_compile_options(${name} PRIVATE -O0)
endfunction()

# mintmark_test(NAME [SHARDS N] [WITHOUT PATTERN] LIBRARIES… SOURCES …): one GoogleTest executable per
# folder, without the tests that match. With shards, each of NAME_1 to NAME_N runs its part of the tests, so that no
# core waits for the longest of the folders.
function(mintmark_test name)
  cmake_parse_arguments(ARG "" "SHARDS;WITHOUT" "LIBRARIES;SOURCES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  mintmark_unity(${name})
  mintmark_unoptimized(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock_main)
  target_precompile_headers(${name} REUSE_FROM mintmark_test_headers)
  set(command ${name})
  if(ARG_WITHOUT)
    list(APPEND command --gtest_filter=-${ARG_WITHOUT})
  endif()
  if(NOT ARG_SHARDS)
    add_test(NAME ${name} COMMAND ${command} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    return()
  endif()
  foreach(shard RANGE 1 ${ARG_SHARDS})
    add_test(NAME ${name}_${shard} COMMAND ${command} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    math(EXPR index "${shard} - 1")
    set_tests_properties(${name}_${shard} PROPERTIES
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

# mintmark_protobuf(NAME FILE.proto): its messages as a library, included as "<folder>/FILE.pb.h". Compiled
# apart from ours: protoc's output is not ours to warn about.
function(mintmark_protobuf name proto)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(out ${PROJECT_BINARY_DIR}/generated/${folder})
  file(MAKE_DIRECTORY ${out})
  add_library(${name} STATIC)
  protobuf_generate(TARGET ${name} LANGUAGE cpp PROTOS ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
    IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/domain PROTOC_OUT_DIR ${out})
  # protoc writes imports as they are named in the file, "events.proto", hence the second folder.
  target_include_directories(${name} SYSTEM PUBLIC ${PROJECT_BINARY_DIR}/generated
    ${PROJECT_BINARY_DIR}/generated/domain)
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
  # Nor to check: with the sanitizers it would take three times as long.
  if(MINTMARK_SANITIZE)
    target_compile_options(${name} PRIVATE -fno-sanitize=all)
  endif()
endfunction()
