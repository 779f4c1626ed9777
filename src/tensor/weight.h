// What a decoder's layers are made of, packed once for the device that runs them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace overtake {

// A matrix [n_out, n_in] in the layout that its backend's kernels read. Opaque; immutable; any
// number of threads may use it.
class Weight {
 public:
  virtual ~Weight() = default;
  int64_t n_out() const { return n_out_; }
  int64_t n_in() const { return n_in_; }
  virtual size_t bytes() const = 0;  // of memory held

 protected:
  Weight(int64_t n_out, int64_t n_in) : n_out_(n_out), n_in_(n_in) {}

 private:
  int64_t n_out_;
  int64_t n_in_;
};

// Rows [first, first + count) of a stored matrix. A list of these names the rows of a Weight, so
// that q, k and v become one matrix, and a fused or permuted file layout is put in order.
struct RowSpan {
  const StoredTensor* tensor;
  int64_t first;
  int64_t count;
};

// y = W x + b.
struct Linear {
  std::unique_ptr<Weight> weight;
  std::vector<float> bias;  // [n_out], or empty
};

// RMS norm (Zhang and Sennrich 2019) or layer norm (Ba et al. 2016) over the last dimension.
struct Norm {
  enum class Kind { kRms, kLayer };
  Kind kind = Kind::kRms;
  std::vector<float> weight;  // [width]
  std::vector<float> bias;    // [width], or empty
  float epsilon = 1e-5f;
};

enum class Activation {
  kSilu,      // x * sigmoid(x)
  kGelu,      // x * Phi(x), with erf
  kGeluTanh,  // its approximation by tanh
};

}  // namespace overtake
