# One test program a folder of src/ (its *_test.cc), and one for tests/ (across modules). All share
# one precompiled header and are compiled for a short build, not for speed.
include(CTest)
find_package(GTest)
if(NOT GTest_FOUND OR NOT BUILD_TESTING)
  message(STATUS "GoogleTest not found: no tests are built")
  return()
endif()

function(overtake_test_settings target)
  target_link_libraries(${target} PRIVATE overtake_core GTest::gmock GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE
    OVERTAKE_TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/data"
    OVERTAKE_BINARY="${CMAKE_BINARY_DIR}/overtake")
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -O1)
endfunction()

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/test_headers.cc
     CONTENT "// Carries the precompiled header.\n")
add_library(test_headers OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/generated/test_headers.cc)
overtake_test_settings(test_headers)
target_precompile_headers(test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h> <string> <vector>)

function(overtake_test_program name)
  add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
  overtake_test_settings(${name})
  target_precompile_headers(${name} REUSE_FROM test_headers)
  set_property(GLOBAL APPEND PROPERTY overtake_test_programs ${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900)
endfunction()

file(GLOB floors RELATIVE ${CMAKE_SOURCE_DIR}/src CONFIGURE_DEPENDS src/*)
foreach(floor IN LISTS floors)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/${floor}/*_test.cc)
  if(sources)
    overtake_test_program(test_${floor} ${sources})
  endif()
endforeach()
file(GLOB sources CONFIGURE_DEPENDS tests/*_test.cc)
if(sources)
  overtake_test_program(test_across ${sources})
endif()
get_property(programs GLOBAL PROPERTY overtake_test_programs)
add_custom_target(tests DEPENDS ${programs} overtake)
