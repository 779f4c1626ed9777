#include "model/weight_loader.h"

#include <fmt/core.h>

#include <cmath>

namespace overtake {
namespace {

// Appends the named rows of `from` to `to`.
void append_rows(const std::vector<float>& from, const MatrixPart& part, std::vector<float>& to) {
  if (part.rows.empty()) {
    to.insert(to.end(), from.begin(), from.end());
    return;
  }
  for (const auto& rows : part.rows) {
    to.insert(to.end(), from.begin() + rows.first, from.begin() + rows.first + rows.count);
  }
}

}  // namespace

Result<Linear> WeightLoader::linear(std::span<const MatrixPart> parts, int64_t n_in, Bias bias) {
  std::vector<RowSpan> spans;
  std::vector<const StoredTensor*> sources;
  Linear out;
  for (const MatrixPart& part : parts) {
    const int64_t shape[] = {part.n_out, n_in};
    const StoredTensor* tensor = TRY(checkpoint_.get(part.name + ".weight", shape));
    sources.push_back(tensor);
    all_f32_ = all_f32_ && tensor->type->name == "F32";
    if (part.rows.empty()) spans.push_back({tensor, 0, part.n_out});
    for (const auto& rows : part.rows) {
      OVERTAKE_CHECK(rows.first >= 0 && rows.first + rows.count <= part.n_out);
      spans.push_back({tensor, rows.first, rows.count});
    }
    const std::string bias_name = part.name + ".bias";
    if (bias == Bias::kRequired || (bias == Bias::kIfPresent && has(bias_name))) {
      append_rows(TRY(vector(bias_name, part.n_out)), part, out.bias);
    }
  }
  out.weight = TRY(backend_.pack(spans));
  if (!out.bias.empty() && static_cast<int64_t>(out.bias.size()) != out.weight->n_out()) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("{}: a bias is missing beside others; {}; the file is damaged",
                             parts.front().name, checkpoint_.path())};
  }
  packed_bytes_ += out.weight->bytes();
  for (const StoredTensor* tensor : sources) checkpoint_.drop_pages(*tensor);
  return out;
}

Result<Linear> WeightLoader::linear(const std::string& name, int64_t n_out, int64_t n_in,
                                    Bias bias) {
  const MatrixPart part{name, n_out, {}};
  return linear(std::span(&part, 1), n_in, bias);
}

Result<Norm> WeightLoader::norm(const std::string& name, Norm::Kind kind, int64_t width,
                                float epsilon) {
  Norm out;
  out.kind = kind;
  out.epsilon = epsilon;
  out.weight = TRY(vector(name + ".weight", width));
  if (kind == Norm::Kind::kLayer) out.bias = TRY(vector(name + ".bias", width));
  return out;
}

Result<const StoredTensor*> WeightLoader::table(const std::string& name, int64_t n_rows,
                                                int64_t width) {
  const int64_t shape[] = {n_rows, width};
  return checkpoint_.get(name + ".weight", shape);
}

Result<std::vector<float>> WeightLoader::vector(const std::string& tensor, int64_t n) {
  const int64_t shape[] = {n};
  return values(tensor, shape);
}

Result<std::vector<float>> WeightLoader::values(const std::string& tensor,
                                                std::span<const int64_t> shape) {
  const StoredTensor* stored = TRY(checkpoint_.get(tensor, shape));
  std::vector<float> values = stored->to_f32();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return Error{ErrorCode::kDamaged, fmt::format("tensor {}: value {} is {}; {}; the file is "
                                                    "damaged, get it again",
                                                    tensor, i, values[i], checkpoint_.path())};
    }
  }
  return values;
}

}  // namespace overtake
