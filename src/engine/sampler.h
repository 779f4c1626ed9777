// Sampling: from one row of logits to the next token, through the stages in engine/sampler/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/registry.h"
#include "engine/generator.h"

namespace overtake {

// What may come next. Stages first change logits by token id, then thin out the list of items;
// the list is made when items() is first called, and by_id() must not be used after that.
class Candidates {
 public:
  struct Item {
    float logit;
    int32_t id;
  };

  // Both stay until the token is chosen. `allowed`: bit `id` is set where the token may be; empty:
  // all may.
  void reset(std::span<const float> logits, std::span<const uint64_t> allowed = {});
  std::span<float> by_id();
  std::vector<Item>& items();
  // The first `n` items by descending logit, equal ones by ascending id; all by default. What is
  // behind them has no order.
  void sort(size_t n = SIZE_MAX);
  std::optional<Item> best();  // the most probable; nullopt if there is none

 private:
  bool may_be(size_t id) const { return allowed_.empty() || (allowed_[id / 64] >> (id % 64) & 1); }

  std::span<const float> logits_;  // as given, or changed_
  std::span<const uint64_t> allowed_;
  std::vector<float> changed_;
  std::vector<Item> items_;
  bool listed_ = false;
  size_t n_sorted_ = 0;
};

// More than any vocabulary has.
constexpr int kMaxTopK = 1 << 24;

struct SamplerContext {
  const SamplingParams& params;
  std::span<const int32_t> prompt;
  std::span<const int32_t> generated;
};

struct SamplerStage {
  std::string_view name;
  int order;  // stages run by ascending order
  bool (*active)(const SamplingParams& params);
  void (*apply)(Candidates& candidates, const SamplerContext& context);
};

std::span<const SamplerStage* const> all_sampler_stages();

// kInvalidArgument, naming the parameter, for values outside their ranges.
Status check_sampling(const SamplingParams& params);

// Draws tokens for one request. The draw at step t depends on the seed and t alone, so a text is
// the same whatever else runs beside it.
class Sampler {
 public:
  Sampler(SamplingParams params, uint64_t seed);
  // `logits` [vocab]. generated.size() is the step. `allowed` as Candidates::reset. Nullopt where
  // no logit of an allowed token is a finite number: the model is broken.
  std::optional<int32_t> sample(std::span<const float> logits, std::span<const int32_t> prompt,
                                std::span<const int32_t> generated,
                                std::span<const uint64_t> allowed = {});

 private:
  SamplingParams params_;
  uint64_t seed_;
  std::vector<const SamplerStage*> stages_;
  Candidates candidates_;
  std::vector<float> weights_;  // of each item
};

// The largest finite value; -infinity if there is none.
float largest_finite(std::span<const float> values);

// log softmax(logits)[id] and the `n_top` most probable tokens, of the model's own distribution.
struct RowLogprobs {
  double chosen;
  std::vector<std::pair<int32_t, double>> top;  // best first
};
RowLogprobs row_logprobs(std::span<const float> logits, int32_t id, int n_top);

}  // namespace overtake
