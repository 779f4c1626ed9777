// WeightLoader: turns a checkpoint's named tensors into packed layers, verifying every shape.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "tensor/ops.h"

namespace overtake {

// Rows of the tensor `name`.weight, which has `n_out` rows. Without `rows`: all, in order.
struct MatrixPart {
  std::string name;  // without ".weight"
  int64_t n_out = 0;
  struct Rows {
    int64_t first;
    int64_t count;
  };
  std::vector<Rows> rows;
};

enum class Bias { kNone, kRequired, kIfPresent };

// Used by one arch's load, on one thread.
class WeightLoader {
 public:
  WeightLoader(const Checkpoint& checkpoint, Backend& backend)
      : checkpoint_(checkpoint), backend_(backend) {}

  // One matrix of the parts' rows, one below the other, with their biases alike.
  Result<Linear> linear(std::span<const MatrixPart> parts, int64_t n_in, Bias bias);
  Result<Linear> linear(const std::string& name, int64_t n_out, int64_t n_in, Bias bias);
  Result<Norm> norm(const std::string& name, Norm::Kind kind, int64_t width, float epsilon);
  // A small tensor as numbers, all finite.
  Result<std::vector<float>> values(const std::string& tensor, std::span<const int64_t> shape);
  // A table that is read row by row and stays where it is: [n_rows, width].
  Result<const StoredTensor*> table(const std::string& name, int64_t n_rows, int64_t width);

  bool has(const std::string& tensor) const { return checkpoint_.find(tensor) != nullptr; }
  // Whether all matrices so far hold F32: then the attention state is kept in F32 as well.
  bool all_f32() const { return all_f32_; }
  size_t packed_bytes() const { return packed_bytes_; }

 private:
  Result<std::vector<float>> vector(const std::string& tensor, int64_t n);

  const Checkpoint& checkpoint_;
  Backend& backend_;
  bool all_f32_ = true;
  size_t packed_bytes_ = 0;
};

}  // namespace overtake
