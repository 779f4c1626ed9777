#include "engine/sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <numeric>

namespace overtake {
namespace {

bool before(const Candidates::Item& a, const Candidates::Item& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// Steele, Lea and Flood 2014: a hash of the pair as a uniform number in [0, 1).
double uniform(uint64_t seed, uint64_t step) {
  uint64_t z = seed + (step + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

}  // namespace

// Lanes, so that the compiler takes vectors.
float largest_finite(std::span<const float> values) {
  constexpr size_t kLanes = 16;
  float most[kLanes];
  std::fill_n(most, kLanes, -INFINITY);
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) {
      const float value = values[i + j] <= FLT_MAX ? values[i + j] : -INFINITY;
      most[j] = value > most[j] ? value : most[j];
    }
  }
  for (; i < values.size(); ++i) {
    if (values[i] <= FLT_MAX && values[i] > most[0]) most[0] = values[i];
  }
  return *std::max_element(most, most + kLanes);
}

void Candidates::reset(std::span<const float> logits, std::span<const uint64_t> allowed) {
  logits_ = logits;
  allowed_ = allowed;
  listed_ = false;
  n_sorted_ = 0;
}

std::span<float> Candidates::by_id() {
  if (logits_.data() != changed_.data()) {
    changed_.assign(logits_.begin(), logits_.end());
    logits_ = changed_;
  }
  return changed_;
}

std::vector<Candidates::Item>& Candidates::items() {
  if (listed_) return items_;
  listed_ = true;
  items_.clear();
  const auto add = [this](size_t id) {
    if (std::isfinite(logits_[id])) items_.push_back({logits_[id], static_cast<int32_t>(id)});
  };
  if (allowed_.empty()) {
    for (size_t id = 0; id < logits_.size(); ++id) add(id);
  }
  for (size_t word = 0; word < allowed_.size(); ++word) {
    for (uint64_t bits = allowed_[word]; bits != 0; bits &= bits - 1) {
      const size_t id = word * 64 + static_cast<size_t>(std::countr_zero(bits));
      if (id < logits_.size()) add(id);
    }
  }
  return items_;
}

void Candidates::sort(size_t n) {
  n = std::min(n, items().size());
  if (n <= n_sorted_) return;
  const auto at = [&](size_t i) { return items_.begin() + static_cast<ptrdiff_t>(i); };
  if (n < items_.size()) std::nth_element(at(n_sorted_), at(n), items_.end(), before);
  std::sort(at(n_sorted_), at(n), before);
  n_sorted_ = n;
}

std::optional<Candidates::Item> Candidates::best() {
  std::optional<Item> best;
  if (listed_) {
    for (const Item& item : items_) {
      if (!best || before(item, *best)) best = item;
    }
    return best;
  }
  // The block with the largest finite logit, then its place there: one pass without branches.
  constexpr size_t kBlock = 256;
  float top = -INFINITY;
  size_t block = 0;
  for (size_t at = 0; at < logits_.size(); at += kBlock) {
    const float most = largest_finite(logits_.subspan(at, std::min(kBlock, logits_.size() - at)));
    if (most > top) {
      top = most;
      block = at;
    }
  }
  for (size_t id = block; top > -INFINITY; ++id) {
    if (logits_[id] != top) continue;
    if (may_be(id)) return Item{top, static_cast<int32_t>(id)};
    break;
  }
  // The best of all may not be: seldom, where a model knows the form that it writes in.
  for (const Item& item : allowed_.empty() ? std::vector<Item>() : items()) {
    if (!best || before(item, *best)) best = item;
  }
  return best;
}

Status check_sampling(const SamplingParams& params) {
  const auto check = [](const char* name, double value, bool fine, const char* range) -> Status {
    if (fine) return {};
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is {}; sampling parameters; use {}", name, value, range)};
  };
  const double temperature = params.temperature.value_or(1);
  TRY(check("temperature", temperature, temperature >= 0 && temperature <= 100, "0 to 100"));
  TRY(check("top_k", params.top_k.value_or(0), params.top_k.value_or(0) >= 0, "0 (off) or more"));
  const double top_p = params.top_p.value_or(1);
  TRY(check("top_p", top_p, top_p > 0 && top_p <= 1, "above 0 to 1"));
  const double min_p = params.min_p.value_or(0);
  TRY(check("min_p", min_p, min_p >= 0 && min_p < 1, "0 to below 1"));
  const double repetition = params.repetition_penalty.value_or(1);
  TRY(check("repetition_penalty", repetition, repetition > 0 && repetition <= 100,
            "above 0 to 100"));
  const auto in_two = [](double value) { return value >= -2 && value <= 2; };
  TRY(check("presence_penalty", params.presence_penalty, in_two(params.presence_penalty),
            "-2 to 2"));
  TRY(check("frequency_penalty", params.frequency_penalty, in_two(params.frequency_penalty),
            "-2 to 2"));
  for (const auto& [id, bias] : params.logit_bias) {
    TRY(check("logit_bias", bias, bias >= -100 && bias <= 100, "-100 to 100"));
  }
  return {};
}

Sampler::Sampler(SamplingParams params, uint64_t seed) : params_(std::move(params)), seed_(seed) {
  for (const SamplerStage* stage : all_sampler_stages()) {
    if (stage->active(params_)) stages_.push_back(stage);
  }
  std::sort(stages_.begin(), stages_.end(),
            [](const SamplerStage* a, const SamplerStage* b) { return a->order < b->order; });
}

std::optional<int32_t> Sampler::sample(std::span<const float> logits,
                                       std::span<const int32_t> prompt,
                                       std::span<const int32_t> generated,
                                       std::span<const uint64_t> allowed) {
  candidates_.reset(logits, allowed);
  const SamplerContext context{params_, prompt, generated};
  for (const SamplerStage* stage : stages_) stage->apply(candidates_, context);
  if (params_.temperature.value_or(1) == 0) {
    const auto best = candidates_.best();
    return best ? std::optional(best->id) : std::nullopt;
  }

  const auto& items = candidates_.items();
  if (items.empty()) return std::nullopt;
  float top = -INFINITY;
  for (const auto& item : items) top = std::max(top, item.logit);
  double total = 0;
  weights_.clear();
  for (const auto& item : items) {
    weights_.push_back(std::exp(item.logit - top));
    total += weights_.back();
  }
  double left = uniform(seed_, generated.size()) * total;
  for (size_t i = 0; i < items.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return items[i].id;
  }
  return items.back().id;
}

RowLogprobs row_logprobs(std::span<const float> logits, int32_t id, int n_top) {
  const float top = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (const float logit : logits) total += std::exp(logit - top);
  const double normalizer = top + std::log(total);
  RowLogprobs out{logits[static_cast<size_t>(id)] - normalizer, {}};
  if (n_top <= 0) return out;
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const size_t n = std::min(ids.size(), static_cast<size_t>(n_top));
  std::partial_sort(
      ids.begin(), ids.begin() + static_cast<ptrdiff_t>(n), ids.end(),
      [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  for (size_t i = 0; i < n; ++i) out.top.emplace_back(ids[i], logits[ids[i]] - normalizer);
  return out;
}

}  // namespace overtake
