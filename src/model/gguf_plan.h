// GgufPlan: what a checkpoint becomes as a GGUF file, before a byte of it is computed. An arch
// makes it (Arch::to_gguf), write_gguf (model/convert.h) carries it out.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/tensor_names.h"
#include "model/weight_loader.h"
#include "tensor/tensor.h"

namespace overtake {

struct PlannedTensor {
  std::string name;
  std::vector<int64_t> shape;  // outermost first
  // The tensor of the checkpoint whose rows it has, in the order of `rows` (all, in order, if
  // empty); or null, and the numbers themselves.
  const StoredTensor* source = nullptr;
  std::vector<MatrixPart::Rows> rows;
  std::vector<float> values;
  bool keep_f32 = false;  // whatever type is asked for
  // Changes the numbers of one row of the new tensor, if set. Called from many threads.
  std::function<void(int64_t row, std::span<float> values)> change;
};

class GgufPlan {
 public:
  // `arch` as general.architecture has it; the checkpoint outlives the plan.
  GgufPlan(const Checkpoint& checkpoint, const TensorNames& names, std::string arch);

  // Keys of the architecture: "ARCH.key".
  void set(std::string_view key, int64_t value);
  void set(std::string_view key, bool value);
  void set(std::string_view key, std::string value);
  // Rounded to f32, the type in which readers expect numbers.
  void set_f32(std::string_view key, double value);

  using Rows = std::vector<MatrixPart::Rows>;
  using Change = std::function<void(int64_t row, std::span<float> values)>;
  // NAME.weight, and NAME.bias as `bias` says. `rows` names the order of rows (all, in order, if
  // empty) of the weight and of the bias. kDamaged if the tensor is absent.
  Status add(TensorName name, int64_t layer = 0, Bias bias = Bias::kNone, const Rows& rows = {},
             Change change = nullptr);
  // One tensor `hf` (its whole name, as this checkpoint has it) under the whole name `gguf`.
  Status add_tensor(std::string gguf, const std::string& hf, const Rows& rows = {},
                    Change change = nullptr);
  void add_values(std::string gguf, std::vector<float> values);

  const std::string& arch() const { return arch_; }
  Metadata& metadata() { return metadata_; }
  const Metadata& metadata() const { return metadata_; }
  std::vector<PlannedTensor>& tensors() { return tensors_; }
  const std::vector<PlannedTensor>& tensors() const { return tensors_; }
  // The checkpoint's tensors that no planned one is made of.
  std::vector<std::string> left_out() const;

 private:
  const Checkpoint& checkpoint_;
  TensorNames names_;
  std::string arch_;
  Metadata metadata_;
  std::vector<PlannedTensor> tensors_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace overtake
