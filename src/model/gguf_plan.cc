#include "model/gguf_plan.h"

#include <fmt/core.h>

#include <utility>

namespace overtake {

GgufPlan::GgufPlan(const Checkpoint& checkpoint, const TensorNames& names, std::string arch)
    : checkpoint_(checkpoint), names_(names), arch_(std::move(arch)) {
  metadata_.set("general.architecture", arch_);
}

void GgufPlan::set(std::string_view key, int64_t value) {
  metadata_.set(fmt::format("{}.{}", arch_, key), value);
}

void GgufPlan::set(std::string_view key, bool value) {
  metadata_.set(fmt::format("{}.{}", arch_, key), value);
}

void GgufPlan::set(std::string_view key, std::string value) {
  metadata_.set(fmt::format("{}.{}", arch_, key), std::move(value));
}

void GgufPlan::set_f32(std::string_view key, double value) {
  metadata_.set(fmt::format("{}.{}", arch_, key), static_cast<double>(static_cast<float>(value)));
}

Status GgufPlan::add(TensorName name, int64_t layer, Bias bias, const Rows& rows, Change change) {
  const std::string hf = names_(name, layer);
  const std::string gguf = gguf_name(name, layer);
  TRY(add_tensor(gguf + ".weight", hf + ".weight", rows, std::move(change)));
  const bool stored = checkpoint_.find(hf + ".bias") != nullptr;
  if (bias == Bias::kRequired || (bias == Bias::kIfPresent && stored)) {
    TRY(add_tensor(gguf + ".bias", hf + ".bias", rows));
  }
  return {};
}

Status GgufPlan::add_tensor(std::string gguf, const std::string& hf, const Rows& rows,
                            Change change) {
  const StoredTensor* tensor = checkpoint_.find(hf);
  if (!tensor) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("tensor {} is missing; {}; the model is incomplete, get it again", hf,
                             checkpoint_.path())};
  }
  used_.insert(hf);
  const int64_t n_parts = tensor->shape.size() <= 1 ? tensor->n_cols() : tensor->n_rows();
  for (const auto& part : rows) {
    if (part.first >= 0 && part.count >= 0 && part.first <= n_parts - part.count) continue;
    return Error{
        ErrorCode::kDamaged,
        fmt::format("tensor {}: rows {} to {} wanted, it has {}; {}; the file is damaged or "
                    "not of this architecture",
                    hf, part.first, part.first + part.count, n_parts, checkpoint_.path())};
  }
  PlannedTensor out;
  out.name = std::move(gguf);
  out.shape = tensor->shape;
  out.change = std::move(change);
  if (tensor->shape.size() <= 1) {
    if (out.shape.empty()) out.shape = {1};
    out.keep_f32 = true;
    std::vector<float> all = tensor->to_f32();
    for (const auto& part : rows) {
      out.values.insert(out.values.end(), all.begin() + part.first,
                        all.begin() + part.first + part.count);
    }
    if (rows.empty()) out.values = std::move(all);
    out.shape.back() = static_cast<int64_t>(out.values.size());
  } else {
    out.source = tensor;
    out.rows = rows;
    int64_t n_rows = 0;
    for (const auto& part : rows) n_rows += part.count;
    if (!rows.empty()) out.shape = {n_rows, tensor->n_cols()};
  }
  tensors_.push_back(std::move(out));
  return {};
}

void GgufPlan::add_values(std::string gguf, std::vector<float> values) {
  PlannedTensor out;
  out.name = std::move(gguf);
  out.shape = {static_cast<int64_t>(values.size())};
  out.values = std::move(values);
  out.keep_f32 = true;
  tensors_.push_back(std::move(out));
}

std::vector<std::string> GgufPlan::left_out() const {
  std::vector<std::string> out;
  for (const StoredTensor& tensor : checkpoint_.tensors()) {
    if (!used_.contains(tensor.name)) out.push_back(tensor.name);
  }
  return out;
}

}  // namespace overtake
