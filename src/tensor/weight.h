// What a decoder's layers are made of, packed once for the device that runs them.
#pragma once

#include <cstdint>
#include <limits>
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

// y = scale * (W x) + b.
struct Linear {
  std::unique_ptr<Weight> weight;
  std::vector<float> bias;   // [n_out], or empty
  std::vector<float> scale;  // [n_out], or empty for 1: multipliers that are not in the weights
};

// RMS norm (Zhang and Sennrich 2019) or layer norm (Ba et al. 2016) over the last dimension.
struct Norm {
  enum class Kind { kRms, kLayer };
  Kind kind = Kind::kRms;
  std::vector<float> weight;  // [width]
  std::vector<float> bias;    // [width], or empty
  float epsilon = 1e-5f;
};

// RMS norm of each of `n_groups` equal parts of a row, and its gate: norm(x) * silu(gate), or
// norm(x * silu(gate)).
struct GatedNorm {
  Norm norm;  // kRms, weight [width]
  int64_t n_groups = 1;
  bool norm_before_gate = true;
};

// A causal convolution of each channel along its sequence, and what follows it in every state space
// model: y[t] = silu(bias + sum over k of weight[k] * x[t - n_taps + 1 + k]).
struct CausalConv {
  int64_t n_taps = 0;         // 1 to kMaxConvTaps
  std::vector<float> weight;  // [n_taps, n_channels]
  std::vector<float> bias;    // [n_channels], or empty
};
constexpr int64_t kMaxConvTaps = 16;

// A selective state space (Gu and Dao 2023, arXiv 2312.00752; with one decay for a head: Dao and Gu
// 2024, arXiv 2405.21060). For head h of group g, channel p, with step = clamp(softplus(dt +
// bias)):
//   state[p, n] = exp(step * a) * state[p, n] + step * x[p] * B[g, n]
//   y[p] = sum over n of state[p, n] * C[g, n], + skip * x[p], then * silu(gate[p]) if there is one
// Mamba-1 is the case of n_channels heads of one channel each, with a decay for each state
// dimension; its channels are one head here.
struct SelectiveScan {
  int64_t n_heads = 0;
  int64_t head_dim = 0;
  int64_t n_groups = 1;  // divides n_heads
  int64_t d_state = 0;
  std::vector<float> head_decay;     // a [n_heads]; or empty:
  std::vector<float> channel_decay;  // a [n_channels, d_state] by in_channel_blocks; n_heads is 1
  std::vector<float> step_bias;      // [the columns of dt], or empty
  std::vector<float> skip;           // [n_channels]
  float step_low = 0;
  float step_high = std::numeric_limits<float>::infinity();

  int64_t n_channels() const { return n_heads * head_dim; }
};

enum class Activation {
  kSilu,      // x * sigmoid(x)
  kGelu,      // x * Phi(x), with erf
  kGeluTanh,  // its approximation by tanh
};

}  // namespace overtake
