// CountOps: runs a model's forward without computing anything, and counts the work that a real one
// has. The shapes are the model's own, so an architecture is counted by being defined.
#pragma once

#include <functional>
#include <vector>

#include "tensor/ops.h"
#include "tensor/sequence_state.h"
#include "tensor/work.h"

namespace overtake {

class CountOps final : public Ops {
 public:
  // What the kernels of `weight` multiply.
  using KindOf = std::function<MultiplyKind(const Weight& weight, Phase phase)>;

  CountOps(const KvShape& kv_shape, KindOf kind_of)
      : kv_shape_(kv_shape), kind_of_(std::move(kind_of)) {}

  // Of all passes so far. Segments' states are not looked at: positions say it all.
  const Work& work() const { return work_; }

  // All segments of a batch have one phase.
  void begin(const Batch& batch) override;
  Tensor embed(const StoredTensor& table, float multiplier) override;
  Tensor norm(Tensor x, const Norm& norm) override { return make(x.rows, x.cols); }
  Tensor linear(Tensor x, const Linear& w) override;
  void linear_add(Tensor x, const Linear& w, Tensor into) override { linear(x, w); }
  Tensor attention(Tensor qkv, const AttentionSpec& spec, int layer) override;
  Tensor causal_conv(Tensor x, const CausalConv& conv, int layer) override;
  Tensor selective_scan(const ScanInput& in, const SelectiveScan& scan, int layer) override;
  Tensor gated_norm(Tensor x, Tensor gate, const GatedNorm& norm) override {
    return make(x.rows, x.cols);
  }
  void gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down, Activation activation,
                     Tensor into) override;
  void mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
               Tensor into) override;
  void pool_rows(Tensor x, const Norm& norm) override {}  // norms and sums count for nothing
  Tensor take_logit_rows(Tensor x) override;

 private:
  // All tensors share one memory that nobody reads or writes.
  Tensor make(int64_t rows, int64_t cols);

  KvShape kv_shape_;
  KindOf kind_of_;
  const Batch* batch_ = nullptr;
  Phase phase_ = Phase::kDecode;
  Work work_;
  std::vector<LargeBlock> memory_;
  int64_t n_floats_ = 0;
};

}  // namespace overtake
