// TapOps: hands every named intermediate of another Ops to an inspector, and changes nothing.
#pragma once

#include <functional>
#include <utility>

#include "tensor/ops.h"

namespace overtake {

class TapOps : public Ops {
 public:
  // `hidden(k, x)` sees the residual stream after the embedding (k = 0) and after block k, the last
  // one after the final norm; the last has the rows of batch.logit_rows only.
  TapOps(Ops& ops, std::function<void(int k, Tensor x)> hidden)
      : ops_(ops), hidden_(std::move(hidden)) {}

  void begin(const Batch& batch) override { ops_.begin(batch); }
  size_t mark() override { return ops_.mark(); }
  void release(size_t mark) override { ops_.release(mark); }
  Tensor embed(const StoredTensor& table, float multiplier) override {
    return ops_.embed(table, multiplier);
  }
  Tensor norm(Tensor x, const Norm& norm) override { return ops_.norm(x, norm); }
  Tensor linear(Tensor x, const Linear& w) override { return ops_.linear(x, w); }
  void linear_add(Tensor x, const Linear& w, Tensor into) override { ops_.linear_add(x, w, into); }
  Tensor attention(Tensor qkv, const AttentionSpec& spec, int layer) override {
    return ops_.attention(qkv, spec, layer);
  }
  Tensor causal_conv(Tensor x, const CausalConv& conv, int layer) override {
    return ops_.causal_conv(x, conv, layer);
  }
  Tensor selective_scan(const ScanInput& in, const SelectiveScan& scan, int layer) override {
    return ops_.selective_scan(in, scan, layer);
  }
  Tensor gated_norm(Tensor x, Tensor gate, const GatedNorm& norm) override {
    return ops_.gated_norm(x, gate, norm);
  }
  void gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down, Activation activation,
                     Tensor into) override {
    ops_.gated_mlp_add(x, gate_up, down, activation, into);
  }
  void mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
               Tensor into) override {
    ops_.mlp_add(x, up, down, activation, into);
  }
  void pool_rows(Tensor x, const Norm& norm) override { ops_.pool_rows(x, norm); }
  Tensor take_logit_rows(Tensor x) override { return ops_.take_logit_rows(x); }
  void observe_hidden(int k, Tensor x) override { hidden_(k, x); }

 private:
  Ops& ops_;
  std::function<void(int, Tensor)> hidden_;
};

}  // namespace overtake
