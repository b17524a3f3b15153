# How our own targets are compiled: warnings are errors, sanitizers come from the preset.
add_library(mintmark_options INTERFACE)
target_compile_options(mintmark_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Werror)
target_include_directories(mintmark_options INTERFACE ${PROJECT_SOURCE_DIR})

set(MINTMARK_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize takes them")
if(MINTMARK_SANITIZE)
  add_compile_options(-fsanitize=${MINTMARK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MINTMARK_SANITIZE})
endif()

# mintmark_library(NAME SOURCES…): a static library of the product, found by includes from the root.
function(mintmark_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC mintmark_options)
endfunction()

# mintmark_test(NAME LIBRARIES… SOURCES …): one GoogleTest executable per folder.
function(mintmark_test name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;SOURCES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()
