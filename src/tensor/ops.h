// Ops: the operations that every architecture's forward is written in, and Backend: a device.
// One definition of a model serves every device, inspection and training: cpu, tap and their
// successors implement this interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tensor/batch.h"
#include "tensor/rope.h"
#include "tensor/tensor.h"
#include "tensor/weight.h"

namespace overtake {

struct AttentionSpec {
  int n_heads = 0;
  int n_kv_heads = 0;  // divides n_heads; head h reads kv head h / (n_heads / n_kv_heads)
  int head_dim = 0;
  float scale = 0;             // of q . k, usually 1 / sqrt(head_dim)
  const Rope* rope = nullptr;  // null: positions enter by key_bias only
  // Added to the scaled score of head h with the key at position p: key_bias[h * stride + p].
  // Null for none. ALiBi (Press et al. 2022) gives slope * p.
  const float* key_bias = nullptr;
  int64_t key_bias_stride = 0;
  int64_t window = 0;  // a query at position p sees keys in (p - window, p]; 0: all up to p
};

// What a selective scan reads of each row; all have n_tokens rows.
struct ScanInput {
  Tensor x;     // [n_tokens, n_channels]
  Tensor dt;    // [n_tokens, n_heads], or n_channels where each channel has a decay; overwritten
  Tensor b;     // [n_tokens, n_groups * d_state]
  Tensor c;     // [n_tokens, n_groups * d_state]
  Tensor gate;  // [n_tokens, n_channels], or without rows
};

// Not thread-safe: one thread calls, the implementation spreads the work. All tensors that it
// returns live until the next begin() or release(). A row's result never depends on the other rows
// of the batch nor on the number of threads.
class Ops {
 public:
  virtual ~Ops() = default;

  // Starts a forward pass over `batch`, which must stay until the pass ends.
  virtual void begin(const Batch& batch) = 0;

  // What was made after mark() is gone after release() of it. A model does both once a layer, so
  // that all layers work in the same memory; what crosses layers is made before.
  virtual size_t mark() { return 0; }
  virtual void release(size_t mark) {}

  // Rows of `table` [vocab, width] times `multiplier`: [n_tokens, width]. Ids are in range.
  virtual Tensor embed(const StoredTensor& table, float multiplier) = 0;

  virtual Tensor norm(Tensor x, const Norm& norm) = 0;  // same shape as x

  // x [n, n_in] -> [n, n_out].
  virtual Tensor linear(Tensor x, const Linear& w) = 0;
  // into [n, n_out] += linear(x, w).
  virtual void linear_add(Tensor x, const Linear& w, Tensor into) = 0;

  // qkv [n_tokens, (n_heads + 2 n_kv_heads) head_dim]: queries, keys, values of each row. Turns
  // queries and keys by the rope, appends keys and values to the segments' states, attends:
  // [n_tokens, n_heads * head_dim].
  virtual Tensor attention(Tensor qkv, const AttentionSpec& spec, int layer) = 0;

  // Rows in the order of their sequence, after the inputs that the segment's state holds of this
  // layer; leaves the last ones there. Same shape as x.
  virtual Tensor causal_conv(Tensor x, const CausalConv& conv, int layer) = 0;
  // Takes the segments' states of this layer on: [n_tokens, n_channels].
  virtual Tensor selective_scan(const ScanInput& in, const SelectiveScan& scan, int layer) = 0;
  virtual Tensor gated_norm(Tensor x, Tensor gate, const GatedNorm& norm) = 0;  // shape of x

  // into += down(activation(gate(x)) * up(x)); gate_up's rows are gate's, then up's.
  virtual void gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down,
                             Activation activation, Tensor into) = 0;
  // into += down(activation(up(x))).
  virtual void mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
                       Tensor into) = 0;

  // Adds the rows of x, each after `norm`, to the `pooled` of those segments that have one. Row
  // after row: the sum's bits do not depend on how a sequence is cut into batches.
  virtual void pool_rows(Tensor x, const Norm& norm) = 0;

  // The rows named by batch.logit_rows: [n_logit_rows, cols].
  virtual Tensor take_logit_rows(Tensor x) = 0;

  // Names an intermediate result for those who inspect: hidden state K of the residual stream.
  virtual void observe_hidden(int k, Tensor x) {}
};

// A device. Packing may use all its threads; call it from one thread at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // "avx512", as OVERTAKE_ISA has it
  // One matrix of these rows, in order. All spans have the same n_cols; types may differ.
  virtual Result<std::unique_ptr<Weight>> pack(std::span<const RowSpan> rows) = 0;
  // For a model whose weights have all been packed.
  virtual std::unique_ptr<Ops> make_ops() = 0;
  // Whether, with the weights packed so far, the bits of a row's result depend on its Phase. State
  // of decoded rows then can't stand for that of the same tokens in a prompt.
  virtual bool phases_differ() const { return false; }
};

}  // namespace overtake
