// SpeedTrial: how fast a model on this machine reads prompts and writes answers, through the same
// scheduler, sampler and streams that serve requests.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/local_model.h"
#include "tensor/work.h"

namespace overtake {

struct SpeedPlan {
  int64_t n_prompt = 512;   // tokens to read
  int64_t n_decode = 128;   // tokens to write
  int64_t depth = 0;        // tokens of each sequence that stand before them
  int64_t n_sequences = 1;  // at once
};

// What one repetition took. Of several sequences: together.
struct SpeedSample {
  double seconds = 0;
  int64_t n_tokens = 0;  // read, or written
  int64_t n_cached = 0;  // of one sequence, found in a kept state: all of `depth` if it can be
  double tokens_s() const { return static_cast<double>(n_tokens) / seconds; }
};

// One caller. Tokens are pseudo-random, the same in every process; prompts of repetitions differ
// from `depth` on, so that only what stands before is found again.
class SpeedTrial {
 public:
  // `model` must outlive this. Only lengths of a plan that the model's positions allow:
  // kContextLength.
  static Result<std::unique_ptr<SpeedTrial>> make(const LocalModel& model, const SpeedPlan& plan);
  ~SpeedTrial();

  // Reads the `depth` tokens of each sequence once; later prompts go on from there.
  Status fill();
  // From a request's arrival to its first token, for the last of the sequences.
  Result<SpeedSample> prefill();
  // From the first token of each sequence to its last: forward passes, choosing the most probable
  // token, its text.
  Result<SpeedSample> decode();
  // The ids of a greedy continuation of `prompt`; nothing of it is kept.
  Result<std::vector<int32_t>> continue_greedily(const std::vector<int32_t>& prompt, int64_t n);

 private:
  struct Impl;
  explicit SpeedTrial(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The least that a machine must do for such a sample, by the shapes of the model's own layers.
Work prefill_work(const LocalModel& model, const SpeedPlan& plan, int64_t n_cached);
Work decode_work(const LocalModel& model, const SpeedPlan& plan);

// Where the weights lie that every token reads, neighbours joined.
std::vector<std::span<const std::byte>> weights_read(const LocalModel& model);

// `n` pseudo-random ids of the model's vocabulary.
std::vector<int32_t> random_tokens(int64_t vocab_size, int64_t n, uint64_t seed);

}  // namespace overtake
