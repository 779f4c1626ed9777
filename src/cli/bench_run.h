// What `overtake bench` measures: a checked model's speed, and beside it what the machine could do
// at most, in one process.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine_check.h"
#include "engine/speed_trial.h"
#include "tensor/cpu/machine_limits.h"

namespace overtake {

struct BenchOptions {
  std::string model;  // as resolve_model takes it
  int n_threads = 0;  // 0: default_thread_count()
  int64_t repeats = 5;
  SpeedPlan plan;
  std::optional<KvType> kv_type;  // as LocalModelOptions has it
};

// Prefill or decode.
struct BenchPhase {
  int64_t n = 0;                 // tokens of each sequence
  int64_t n_cached = 0;          // before them that were there: the depth, if it can be kept
  std::vector<double> tokens_s;  // of each repetition, all sequences together
  double median = 0;
  double spread = 0;  // (largest - smallest) / median
  Work work;
  Bound bound;
  double share = 0;  // bound.seconds / the median repetition's time, at most 1
};

struct BenchResult {
  std::string model;
  std::string arch;
  std::string isa;
  uint64_t file_bytes = 0;
  uint64_t weight_bytes = 0;      // packed
  std::optional<KvType> kv_type;  // unset: the model keeps none
  int n_threads = 0;
  SpeedPlan plan;
  int64_t repeats = 0;
  double load_s = 0;
  double first_token_s = 0;  // from the start of loading to the first token of a short prompt
  uint64_t rest_bytes = 0;   // of memory, after that token
  uint64_t peak_bytes = 0;   // ... until the last repetition
  EngineCheck check;
  std::optional<BenchPhase> prefill, decode;  // absent where no tokens were asked for
  MachineLimits limits;
};

// Called before each step. `share` is of the whole, `seconds_left` -1 while that is unknown.
using BenchProgress =
    std::function<void(const std::string& what, double share, double seconds_left)>;

Result<BenchResult> run_bench(const BenchOptions& options, const BenchProgress& progress);

// From seconds of repetitions of `n_tokens` each; needs at least one.
BenchPhase summarize_phase(int64_t n, const std::vector<SpeedSample>& samples);

}  // namespace overtake
