#include "model/quantize/budget.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "format/gguf_writer.h"
#include "model/convert.h"
#include "model/quantize/least_loss.h"

namespace overtake {
namespace {

// general.file_type as the GGUF specification numbers it; of the K types' mixes the middle ones.
constexpr std::pair<std::string_view, int64_t> kFileTypes[] = {
    {"F32", 0},   {"F16", 1},   {"Q4_0", 2},    {"Q4_1", 3},   {"Q8_0", 7},
    {"Q5_0", 8},  {"Q5_1", 9},  {"Q2_K", 10},   {"Q3_K", 12},  {"Q4_K", 15},
    {"Q5_K", 17}, {"Q6_K", 18}, {"IQ4_NL", 25}, {"IQ4_XS", 30}};

uint64_t bytes_of(const PlannedTensor& tensor, const QuantType& type) {
  return GgufTensor{tensor.name, &type, tensor.shape}.file_bytes();
}

int64_t file_type_of(const GgufPlan& plan, std::span<const QuantType* const> types) {
  std::map<std::string_view, int64_t> n_weights;
  for (size_t i = 0; i < types.size(); ++i) {
    int64_t n = 1;
    for (const int64_t size : plan.tensors()[i].shape) n *= size;
    n_weights[types[i]->name] += n;
  }
  const auto most = std::ranges::max_element(
      n_weights, {}, [](const auto& type_and_count) { return type_and_count.second; });
  for (const auto& [name, file_type] : kFileTypes) {
    if (most != n_weights.end() && name == most->first) return file_type;
  }
  return 0;
}

Error too_small(uint64_t budget, uint64_t least) {
  // Rounded up: what is named must do.
  const double named = static_cast<double>((least + 999) / 1000) / 1e6;
  return {ErrorCode::kInvalidArgument,
          fmt::format("no mix of types makes the file as small as {:.6g} GB; --budget-gb; give {} "
                      "or more, the smallest possible",
                      static_cast<double>(budget) / 1e9, named)};
}

}  // namespace

Result<BudgetMix> mix_within(const GgufPlan& plan, std::span<const MatrixSensitivity> matrices,
                             uint64_t budget) {
  const std::vector<PlannedTensor>& tensors = plan.tensors();
  BudgetMix out{.types = std::vector<const QuantType*>(tensors.size(), find_quant_type("F32"))};
  std::vector<std::vector<SizedLoss>> items;
  uint64_t fixed = header_bytes(plan);
  for (const PlannedTensor& tensor : tensors) fixed += bytes_of(tensor, *out.types.front());
  uint64_t least = 0;
  for (const MatrixSensitivity& matrix : matrices) {
    const PlannedTensor& tensor = tensors[matrix.tensor];
    fixed -= bytes_of(tensor, *out.types.front());
    std::vector<SizedLoss> choices;
    for (const TypeError& one : matrix.types) {
      choices.push_back({bytes_of(tensor, *one.type), matrix.reaction * one.error});
    }
    least += std::ranges::min(choices, {}, &SizedLoss::bytes).bytes;
    items.push_back(std::move(choices));
  }
  const auto best = least_loss(items, budget > fixed ? budget - fixed : 0);
  if (budget < fixed || !best) return too_small(budget, fixed + least);
  for (size_t i = 0; i < matrices.size(); ++i) {
    out.types[matrices[i].tensor] = matrices[i].types[best->chosen[i]].type;
  }
  out.file_type = file_type_of(plan, out.types);
  out.file_bytes = fixed + best->bytes;
  return out;
}

}  // namespace overtake
