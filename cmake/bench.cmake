# bench/: measurements that print a share of the machine's limit. Not part of `all`.
find_package(benchmark)
if(NOT benchmark_FOUND)
  message(STATUS "Google Benchmark not found: no benches are built")
  return()
endif()

function(overtake_bench name)
  add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE overtake_core benchmark::benchmark)
  add_dependencies(benches ${name})
endfunction()
add_custom_target(benches)

overtake_bench(bench_matmul bench/matmul_bench.cc)
overtake_bench(bench_tokenizer bench/tokenizer_bench.cc)
overtake_bench(bench_attention bench/attention_bench.cc)
