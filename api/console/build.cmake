# Builds the web console, unless what is there was built from the same sources:
#   cmake -D SOURCE=… -D BUILD=… -D OUTPUT=….cc -D NODE=… -D NPM=… -P build.cmake
#
# BUILD gets a copy of the sources (api/console/), with node_modules beside it, and dist/. Several builds may
# ask at once: one builds, the others wait and find it done.
cmake_minimum_required(VERSION 3.25)

set(work ${BUILD}/api/console)
set(packages .npmrc package.json package-lock.json)
set(build_files build.cmake embed.mjs index.html tsconfig.json vite.config.ts)

function(run_quietly)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} RESULT_VARIABLE result
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message("${output}")
    message(FATAL_ERROR "The web console could not be built: ${command}")
  endif()
endfunction()

# hash_files(RESULT FILES…): one hash of their names and contents, and of the programs that build them.
function(hash_files result)
  set(all "${NODE} ${NPM}")
  foreach(file IN LISTS ARGN)
    file(SHA256 ${SOURCE}/${file} hash)
    string(APPEND all "\n${file} ${hash}")
  endforeach()
  string(SHA256 all "${all}")
  set(${result} ${all} PARENT_SCOPE)
endfunction()

# is_done(RESULT STAMP HASH): whether the stamp says that this was done from these sources.
function(is_done result stamp hash)
  set(${result} FALSE PARENT_SCOPE)
  if(EXISTS ${stamp})
    file(READ ${stamp} done)
    if(done STREQUAL hash)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

file(MAKE_DIRECTORY ${work})
file(LOCK ${BUILD} DIRECTORY GUARD PROCESS TIMEOUT 1200)

hash_files(packages_hash ${packages})
set(packages_stamp ${BUILD}/packages.stamp)
is_done(done ${packages_stamp} ${packages_hash})
if(NOT done)
  file(REMOVE ${packages_stamp})
  foreach(file IN LISTS packages)
    file(COPY ${SOURCE}/${file} DESTINATION ${work})
  endforeach()
  run_quietly(${NPM} ci --no-audit --no-fund)
  # The tests stand in BUILD/tests/console and find the packages here.
  file(CREATE_LINK ${work}/node_modules ${BUILD}/node_modules SYMBOLIC)
  file(WRITE ${packages_stamp} ${packages_hash})
endif()

file(GLOB_RECURSE sources RELATIVE ${SOURCE} ${SOURCE}/src/*)
hash_files(sources_hash ${packages} ${build_files} ${sources})
set(sources_stamp ${BUILD}/sources.stamp)
is_done(done ${sources_stamp} ${sources_hash})
if(NOT done)
  file(REMOVE ${sources_stamp})
  file(REMOVE_RECURSE ${work}/src)
  foreach(file IN LISTS build_files)
    file(COPY ${SOURCE}/${file} DESTINATION ${work})
  endforeach()
  file(COPY ${SOURCE}/src DESTINATION ${work})
  run_quietly(${NPM} run build -- --outDir ${BUILD}/dist --emptyOutDir --logLevel warn)
  run_quietly(${NODE} embed.mjs ${BUILD}/dist ${BUILD}/embedded)
  file(WRITE ${sources_stamp} ${sources_hash})
endif()

file(READ ${BUILD}/embedded/console_files.cc code)
file(WRITE ${OUTPUT} "${code}")
