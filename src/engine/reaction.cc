#include "engine/reaction.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "engine/trace.h"
#include "model/arch.h"
#include "model/planned_rows.h"
#include "model/quantize/column_weights.h"
#include "tensor/encode/encoder.h"
#include "tensor/tap_ops.h"

namespace overtake {
namespace {

// About what four bits and a half lose: large beside rounding, small enough that losses add up.
constexpr double kTriedError = 0.005;

// A backend whose matrices can be given other numbers for a while.
class SwapBackend final : public Backend {
 public:
  explicit SwapBackend(Backend& inner) : inner_(inner) {}

  std::string_view name() const override { return inner_.name(); }
  bool phases_differ() const override { return inner_.phases_differ(); }
  Result<std::unique_ptr<Weight>> pack(std::span<const RowSpan> rows) override {
    std::unique_ptr<Weight> weight = TRY(inner_.pack(rows));
    rows_[weight.get()].assign(rows.begin(), rows.end());
    return weight;
  }
  std::unique_ptr<Ops> make_ops() override;

  // Until the next call, `with` stands for `tensor` (null: for none). Both outlive that.
  Status swap(const StoredTensor* tensor, const StoredTensor* with);

  const StoredTensor& stored(const StoredTensor& tensor) const {
    return &tensor == swapped_ ? *with_ : tensor;
  }
  const Linear& linear(const Linear& w);

 private:
  Backend& inner_;
  std::map<const Weight*, std::vector<RowSpan>> rows_;
  const StoredTensor* swapped_ = nullptr;
  const StoredTensor* with_ = nullptr;
  std::map<const Weight*, Linear> changed_;
};

class SwapOps final : public TapOps {
 public:
  SwapOps(std::unique_ptr<Ops> ops, SwapBackend& backend)
      : TapOps(*ops, [](int, Tensor) {}), ops_(std::move(ops)), backend_(backend) {}

  Tensor embed(const StoredTensor& table, float multiplier) override {
    return ops_->embed(backend_.stored(table), multiplier);
  }
  Tensor linear(Tensor x, const Linear& w) override { return ops_->linear(x, backend_.linear(w)); }
  void linear_add(Tensor x, const Linear& w, Tensor into) override {
    ops_->linear_add(x, backend_.linear(w), into);
  }
  void gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down, Activation activation,
                     Tensor into) override {
    ops_->gated_mlp_add(x, backend_.linear(gate_up), backend_.linear(down), activation, into);
  }
  void mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
               Tensor into) override {
    ops_->mlp_add(x, backend_.linear(up), backend_.linear(down), activation, into);
  }

 private:
  std::unique_ptr<Ops> ops_;
  SwapBackend& backend_;
};

std::unique_ptr<Ops> SwapBackend::make_ops() {
  return std::make_unique<SwapOps>(inner_.make_ops(), *this);
}

Status SwapBackend::swap(const StoredTensor* tensor, const StoredTensor* with) {
  swapped_ = tensor;
  with_ = with;
  changed_.clear();
  for (const auto& [weight, rows] : rows_) {
    if (std::ranges::find(rows, tensor, &RowSpan::tensor) == rows.end()) continue;
    std::vector<RowSpan> changed = rows;
    for (RowSpan& span : changed) {
      if (span.tensor == tensor) span.tensor = with;
    }
    changed_[weight].weight = TRY(inner_.pack(changed));
  }
  return {};
}

const Linear& SwapBackend::linear(const Linear& w) {
  const auto found = changed_.find(w.weight.get());
  if (found == changed_.end()) return w;
  found->second.bias = w.bias;
  found->second.scale = w.scale;
  return found->second;
}

// The stored tensor behind a planned one in F32, those of its rows that the plan takes as they come
// back from a type's blocks.
class QuantizedCopy {
 public:
  QuantizedCopy(const PlannedTensor& planned, const Encoder& encoder, std::vector<float> weights)
      : planned_(planned), encoder_(encoder), weights_(std::move(weights)) {
    const StoredTensor& source = *planned.source;
    numbers_.resize(static_cast<size_t>(source.n_rows() * source.n_cols()));
    tensor_ = {source.name, find_quant_type("F32"), source.shape,
               std::as_bytes(std::span(numbers_))};
  }
  const StoredTensor& tensor() const { return tensor_; }

  void fill(ThreadPool& pool) {
    const StoredTensor& source = *planned_.source;
    const int64_t n_cols = source.n_cols();
    std::vector<bool> taken(static_cast<size_t>(source.n_rows()), planned_.rows.empty());
    for (const auto& part : planned_.rows) {
      std::fill_n(taken.begin() + part.first, part.count, true);
    }
    const int64_t rows_at_once = std::max<int64_t>(1, kNumbersAtOnce / n_cols);
    const int64_t n_tasks = (source.n_rows() + rows_at_once - 1) / rows_at_once;
    pool.parallel_for(static_cast<int>(n_tasks), [&](int task) {
      const int64_t first = task * rows_at_once;
      const int64_t end = std::min(first + rows_at_once, source.n_rows());
      std::vector<std::byte> blocks(static_cast<size_t>(encoder_.type().row_bytes(n_cols)));
      for (int64_t row = first; row < end; ++row) {
        const std::span<float> to(&numbers_[static_cast<size_t>(row * n_cols)],
                                  static_cast<size_t>(n_cols));
        source.type->decode(source.row_bytes(row).data(), to.data(), n_cols);
        if (!taken[static_cast<size_t>(row)]) continue;
        encoder_.encode(to, weights_, blocks.data());
        encoder_.type().decode(blocks.data(), to.data(), n_cols);
      }
    });
  }

 private:
  static constexpr int64_t kNumbersAtOnce = 1 << 16;
  const PlannedTensor& planned_;
  const Encoder& encoder_;
  std::vector<float> weights_;
  std::vector<float> numbers_;
  StoredTensor tensor_;
};

// What follows every token of some chunks of a text, in log probabilities.
class Answers {
 public:
  Answers(const Model& model, std::span<const int32_t> ids, const ReactionOptions& options)
      : model_(model) {
    const int64_t n_ids = static_cast<int64_t>(ids.size());
    const int64_t chunk = std::min({options.chunk, n_ids, model.info().context_length});
    const int64_t n_chunks = std::min(options.max_chunks, n_ids / chunk);
    for (int64_t i = 0; i < n_chunks; ++i) {
      // The middles of equal parts.
      const int64_t first = (n_ids - chunk) * (2 * i + 1) / (2 * n_chunks);
      chunks_.push_back(ids.subspan(static_cast<size_t>(first), static_cast<size_t>(chunk)));
    }
  }

  Status read(Ops& ops) {
    return visit(ops, [&](std::span<float> row) {
      normalize(row);
      expected_.insert(expected_.end(), row.begin(), row.end());
    });
  }

  // Of the answers that `ops` gives from those that were read, mean over the tokens.
  Result<double> divergence(Ops& ops) const {
    double sum = 0;
    size_t n_rows = 0;
    const auto vocab = static_cast<size_t>(model_.info().vocab_size);
    TRY(visit(ops, [&](std::span<float> row) {
      normalize(row);
      const float* expected = &expected_[n_rows++ * vocab];
      for (size_t i = 0; i < row.size(); ++i) {
        sum += std::exp(expected[i]) * (expected[i] - row[i]);
      }
    }));
    return sum / static_cast<double>(std::max<size_t>(n_rows, 1));
  }

 private:
  Status visit(Ops& ops, const std::function<void(std::span<float>)>& row) const {
    for (const std::span<const int32_t> chunk : chunks_) {
      TRY(trace_prompt(model_, ops, chunk, [&](int64_t, Tensor logits) {
        for (int64_t i = 0; i < logits.rows; ++i) row(logits.row_span(i));
      }));
    }
    return {};
  }

  static void normalize(std::span<float> row) {
    const float top = std::ranges::max(row);
    double sum = 0;
    for (const float x : row) sum += std::exp(x - top);
    const float shift = top + static_cast<float>(std::log(sum));
    for (float& x : row) x -= shift;
  }

  const Model& model_;
  std::vector<std::span<const int32_t>> chunks_;
  std::vector<float> expected_;  // [n_tokens, vocab]
};

// The type whose error is nearest to kTriedError by ratio; null where none has one.
const TypeError* tried_type(const MatrixSensitivity& matrix) {
  const TypeError* best = nullptr;
  const auto distance = [](const TypeError& one) {
    return std::abs(std::log(one.error / kTriedError));
  };
  for (const TypeError& one : matrix.types) {
    if (!one.type->from_integers || !(one.error > 0)) continue;
    if (!best || distance(one) < distance(*best)) best = &one;
  }
  return best;
}

}  // namespace

Status measure_reactions(const Checkpoint& checkpoint, const GgufPlan& plan,
                         std::span<const int32_t> ids, const ReactionOptions& options,
                         std::span<MatrixSensitivity> matrices) {
  if (ids.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "no tokens to measure with; the text is empty; give some pages of what the model "
                 "will read"};
  }
  SwapBackend swapping(options.backend);
  const auto model = TRY(load_model(checkpoint, swapping));
  Answers answers(*model, ids, options);
  TRY(answers.read(*swapping.make_ops()));
  for (size_t i = 0; i < matrices.size(); ++i) {
    const PlannedTensor& planned = plan.tensors()[matrices[i].tensor];
    const TypeError* tried = tried_type(matrices[i]);
    matrices[i].reaction = 0;
    if (tried) {
      const Encoder encoder(*tried->type, options.isa);
      QuantizedCopy copy(planned, encoder, TRY(column_weights(planned, options.importance)));
      copy.fill(options.pool);
      TRY(swapping.swap(planned.source, &copy.tensor()));
      const double divergence = TRY(answers.divergence(*swapping.make_ops()));
      TRY(swapping.swap(nullptr, nullptr));
      matrices[i].reaction = std::max(divergence, 0.0) / tried->error;
    }
    if (options.progress) TRY(options.progress(i + 1, matrices.size()));
  }
  return {};
}

}  // namespace overtake
