#include "model/quantize/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <string>
#include <string_view>

#include "model/planned_rows.h"
#include "model/quantize/column_weights.h"
#include "model/quantize/mix.h"
#include "tensor/encode/encoder.h"

namespace overtake {
namespace {

constexpr size_t kMatricesBetweenReports = 16;

std::vector<TypeError> possible_types(int64_t n_cols) {
  const QuantType& top = *find_quant_type("Q8_0");
  std::vector<TypeError> out;
  for (const QuantType* type : all_quant_types()) {
    if (!type->from_integers || n_cols % type->block != 0) continue;
    if (type->block_bytes * top.block > top.block_bytes * type->block) continue;
    out.push_back({type});
  }
  if (out.empty()) out.push_back({find_quant_type("F16")});
  return out;
}

// What a model reacts with to the same error in matrices of different parts.
struct PartReaction {
  std::string_view part;
  double plain;
  double weighted;  // where errors are weighted by importance
};
// Measured with measure_reactions (engine/reaction.h) on SmolLM2-135M, rounded. Noise in queries
// and keys has to pass the softmax; values are averages over tokens, which keep what is common to
// all and with it most of the noise.
constexpr PartReaction kParts[] = {{".attn_q.", 0.4, 0.3}, {".attn_k.", 0.4, 0.5},
                                   {".attn_v.", 3, 0.5},   {".attn_output.", 0.6, 0.6},
                                   {".ffn_gate", 1, 1.1},  {".ffn_up", 1.3, 1.1},
                                   {".ffn_down", 1.7, 1.3}};
// Logits have all of the output's noise, as much as many layers together.
constexpr PartReaction kOutputPerLayer = {"", 2, 12};
// All later layers see what the first two and the embedding add.
constexpr double kFirst = 2.5;

// The part of a matrix's reaction that its place lets expect.
double expected_reaction(const std::string& name, TensorRole role, int64_t n_layers,
                         bool weighted) {
  const auto of = [&](const PartReaction& part) { return weighted ? part.weighted : part.plain; };
  if (role == TensorRole::kOutput) return of(kOutputPerLayer) * static_cast<double>(n_layers);
  if (role == TensorRole::kEmbedding) return kFirst;
  double out = 1;
  for (const PartReaction& part : kParts) {
    if (name.find(part.part) != name.npos) out = of(part);
  }
  return block_of(name) < 2 ? kFirst * out : out;
}

// Rows of one matrix, and what its columns weigh.
struct Sample {
  std::vector<float> numbers;
  std::vector<float> weights;  // of the columns, or empty
};

Result<Sample> take_sample(const PlannedTensor& tensor, const SensitivityOptions& options) {
  const PlannedRows rows(tensor);
  const int64_t n_cols = rows.n_cols();
  const int64_t count = std::clamp<int64_t>(options.sample / n_cols, 1, rows.n_rows());
  Sample out;
  out.weights = TRY(column_weights(tensor, options.importance));
  out.numbers.resize(static_cast<size_t>(count * n_cols));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = i * rows.n_rows() / count;
    const auto to = std::span(out.numbers)
                        .subspan(static_cast<size_t>(i * n_cols), static_cast<size_t>(n_cols));
    rows.read(row, to);
    TRY(check_finite(tensor, row, to));
  }
  return out;
}

double relative_error(const Sample& sample, const Encoder& encoder) {
  const int64_t n = static_cast<int64_t>(sample.numbers.size());
  std::vector<std::byte> blocks(static_cast<size_t>(encoder.type().row_bytes(n)));
  encoder.encode(sample.numbers, sample.weights, blocks.data());
  std::vector<float> decoded(sample.numbers.size());
  encoder.type().decode(blocks.data(), decoded.data(), n);
  double squares = 0;
  double errors = 0;
  for (size_t i = 0; i < decoded.size(); ++i) {
    const double x = sample.numbers[i];
    const double weight = sample.weights.empty() ? 1 : sample.weights[i % sample.weights.size()];
    squares += weight * x * x;
    errors += weight * (x - decoded[i]) * (x - decoded[i]);
  }
  return squares > 0 ? errors / squares : 0;
}

Status measure(const PlannedTensor& tensor, const SensitivityOptions& options,
               MatrixSensitivity* matrix) {
  const Sample sample = TRY(take_sample(tensor, options));
  if (matrix->types.size() == 1) return {};
  for (TypeError& one : matrix->types) {
    one.error = relative_error(sample, Encoder(*one.type, options.isa));
  }
  // Weights beyond what f16 scales can say.
  std::erase_if(matrix->types, [](const TypeError& one) { return !std::isfinite(one.error); });
  if (matrix->types.empty()) matrix->types.push_back({find_quant_type("F16")});
  return {};
}

}  // namespace

Result<std::vector<MatrixSensitivity>> measure_errors(const Checkpoint& checkpoint,
                                                      const GgufPlan& plan,
                                                      const SensitivityOptions& options,
                                                      ThreadPool& pool) {
  const std::vector<TensorPlace> places = tensor_places(plan);
  int64_t n_layers = 0;
  for (const PlannedTensor& tensor : plan.tensors()) {
    n_layers = std::max(n_layers, block_of(tensor.name) + 1);
  }
  std::vector<MatrixSensitivity> out;
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].role == TensorRole::kFloat) continue;
    const PlannedTensor& tensor = plan.tensors()[i];
    const bool weighted = options.importance && !options.importance->of(tensor.name).empty();
    out.push_back({.tensor = i,
                   .reaction = expected_reaction(tensor.name, places[i].role, n_layers, weighted),
                   .types = possible_types(tensor.shape.back())});
  }
  for (size_t first = 0; first < out.size(); first += kMatricesBetweenReports) {
    const size_t count = std::min(kMatricesBetweenReports, out.size() - first);
    std::mutex mutex;
    Status status;
    pool.parallel_for(static_cast<int>(count), [&](int i) {
      MatrixSensitivity& matrix = out[first + static_cast<size_t>(i)];
      Status done = measure(plan.tensors()[matrix.tensor], options, &matrix);
      if (done.ok()) return;
      const std::scoped_lock lock(mutex);
      if (status.ok()) status = std::move(done);
    });
    TRY(std::move(status));
    for (size_t i = first; i < first + count; ++i) {
      checkpoint.drop_pages(*plan.tensors()[out[i].tensor].source);
    }
    if (options.progress) TRY(options.progress(first + count, out.size()));
  }
  return out;
}

}  // namespace overtake
