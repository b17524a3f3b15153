# Runs a suite of the console's tests, or makes its screenshots, beside the console's packages:
#   cmake -D SUITE=unit|browser|figures|screenshots -D SOURCE=tests/console -D BUILD=… -D NODE=… -D PROGRAM=mintmark
#     [-D OUT=FOLDER] -P run.cmake
cmake_minimum_required(VERSION 3.25)

set(work ${BUILD}/tests/console)
set(ENV{PROGRAM_UNDER_TEST} ${PROGRAM})

function(run folder)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${folder} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "The console's ${SUITE} run failed.")
  endif()
endfunction()

if(SUITE STREQUAL "unit")
  file(REMOVE_RECURSE ${work}/unit)
  file(COPY ${SOURCE}/unit DESTINATION ${work})
  run(${BUILD} ${NODE} node_modules/vitest/vitest.mjs run --root ${BUILD} --config api/console/vite.config.ts)
  return()
endif()

file(GLOB suites RELATIVE ${SOURCE} ${SOURCE}/*.test.mjs)
foreach(file IN LISTS suites ITEMS support screenshots.mjs)
  file(COPY ${SOURCE}/${file} DESTINATION ${work})
endforeach()
if(SUITE STREQUAL "screenshots")
  run(${work} ${NODE} screenshots.mjs ${OUT})
elseif(SUITE STREQUAL "figures")
  run(${work} ${NODE} --test --test-reporter=spec many.test.mjs)
else()
  # Two processes, each with one browser for its files.
  set(group_1 everybody users tokens deliveries)
  list(TRANSFORM group_1 APPEND .test.mjs)
  set(group_2 ${suites})
  list(REMOVE_ITEM group_2 ${group_1} many.test.mjs)
  foreach(group group_1 group_2)
    list(TRANSFORM ${group} REPLACE "(.+)" "import \"./\\1\";\n" OUTPUT_VARIABLE imports)
    string(CONCAT imports ${imports})
    file(WRITE ${work}/${group}.mjs ${imports})
  endforeach()
  run(${work} ${NODE} --test --test-reporter=spec --test-concurrency=2 group_1.mjs group_2.mjs)
endif()
