// How a bench's numbers look: a table for a person, JSON for a program.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/json.h"
#include "cli/bench_run.h"
#include "cli/terminal.h"

namespace overtake {

Json bench_json(const BenchResult& result);
std::string bench_text(const BenchResult& result, const Colors& colors);

// Of --limits.
Json limits_json(const MachineLimits& limits, const std::string& isa, int n_threads);
std::string limits_text(const MachineLimits& limits, int n_threads, const Colors& colors);

}  // namespace overtake
