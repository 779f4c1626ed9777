#include "engine/engine_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/trace.h"

namespace overtake {
namespace {

Error broken(const std::string& what) {
  return {ErrorCode::kInternal,
          what +
              "; the engine's check before measuring; its speed would mean nothing: try another "
              "OVERTAKE_ISA, and report this"};
}

struct Rows {
  std::vector<float> logits;  // [n, vocab]
  int64_t vocab = 0;

  std::span<const float> row(int64_t i) const {
    return std::span(logits).subspan(static_cast<size_t>(i * vocab), static_cast<size_t>(vocab));
  }
};

Result<Rows> pass_over(const Model& model, Ops& ops, std::span<const int32_t> ids, Phase phase) {
  Rows out{{}, model.info().vocab_size};
  const int64_t chunk = phase == Phase::kPrefill ? static_cast<int64_t>(ids.size()) : 1;
  const auto take = [&](int64_t, Tensor rows) {
    for (int64_t i = 0; i < rows.rows; ++i) {
      const auto row = rows.row_span(i);
      out.logits.insert(out.logits.end(), row.begin(), row.end());
    }
  };
  TRY(trace_prompt(model, ops, ids, take, {.chunk = chunk, .phase = phase}));
  return out;
}

double log_sum_exp(std::span<const float> row) {
  const double top = *std::ranges::max_element(row);
  double sum = 0;
  for (const float x : row) sum += std::exp(x - top);
  return top + std::log(sum);
}

double kl_divergence(std::span<const float> p, std::span<const float> q) {
  const double p_total = log_sum_exp(p), q_total = log_sum_exp(q);
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double log_p = p[i] - p_total;
    sum += std::exp(log_p) * (log_p - (q[i] - q_total));
  }
  return sum;
}

}  // namespace

Result<EngineCheck> check_engine(const Model& model, Ops& ops, std::span<const int32_t> ids) {
  const int64_t n = static_cast<int64_t>(ids.size());
  const Rows first = TRY(pass_over(model, ops, ids, Phase::kPrefill));
  for (const float x : first.logits) {
    if (!std::isfinite(x)) return broken("a logit is not a number");
  }
  {
    const Rows again = TRY(pass_over(model, ops, ids, Phase::kPrefill));
    if (std::memcmp(first.logits.data(), again.logits.data(),
                    first.logits.size() * sizeof(float)) != 0) {
      return broken("two passes over the same tokens differ");
    }
  }
  if (std::ranges::equal(first.row(0), first.row(n - 1))) {
    return broken("the logits do not depend on the tokens");
  }
  const Rows one_by_one = TRY(pass_over(model, ops, ids, Phase::kDecode));
  EngineCheck out;
  if (model.info().kv_shape.type == KvType::kQ8_0) out.bound = kMaxMeanKlQ8;
  for (int64_t i = 0; i < n; ++i) {
    out.mean_kl += kl_divergence(first.row(i), one_by_one.row(i)) / static_cast<double>(n);
  }
  if (!(out.mean_kl <= out.bound)) {
    return broken(
        fmt::format("reading a prompt at once and token by token differ by a mean KL of "
                    "{:.2g}, where {:.2g} are allowed",
                    out.mean_kl, out.bound));
  }
  return out;
}

}  // namespace overtake
