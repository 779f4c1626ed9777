#include "tensor/cpu/cpu_ops.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "tensor/cpu/arena.h"
#include "tensor/cpu/cpu_attention.h"
#include "tensor/cpu/cpu_recurrence.h"
#include "tensor/cpu/kernels.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/spread.h"

namespace overtake {
namespace {

class CpuOps final : public Ops {
 public:
  CpuOps(ThreadPool& pool, Isa isa, bool bf16_prompts)
      : pool_(pool),
        kernels_(kernels_for(isa)),
        attention_(pool, isa, arena_, bf16_prompts),
        recurrence_(pool, kernels_.recurrence, arena_),
        scratch_(make_matmul_scratch()) {}

  void begin(const Batch& batch) override {
    batch_ = &batch;
    after_layers_ = false;
    arena_.reset();
    attention_.begin(batch);
    recurrence_.begin(batch);
  }
  size_t mark() override { return arena_.mark(); }
  void release(size_t mark) override { arena_.release(mark); }

  Tensor embed(const StoredTensor& table, float multiplier) override;
  Tensor norm(Tensor x, const Norm& norm) override;
  Tensor linear(Tensor x, const Linear& w) override;
  void linear_add(Tensor x, const Linear& w, Tensor into) override;
  Tensor attention(Tensor qkv, const AttentionSpec& spec, int layer) override;
  Tensor causal_conv(Tensor x, const CausalConv& conv, int layer) override;
  Tensor selective_scan(const ScanInput& in, const SelectiveScan& scan, int layer) override;
  Tensor gated_norm(Tensor x, Tensor gate, const GatedNorm& norm) override;
  void gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down, Activation activation,
                     Tensor into) override;
  void mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
               Tensor into) override;
  void pool_rows(Tensor x, const Norm& norm) override;
  Tensor take_logit_rows(Tensor x) override;

 private:
  Tensor make(int64_t rows, int64_t cols);
  template <typename Body>
  void for_each_run(const Body& body) const;
  void multiply(Tensor x, const Linear& w, std::span<const float> bias, bool accumulate,
                Tensor out);
  void rescale(Tensor x, const Linear& w, const Tensor* add, Tensor out);
  void activate(Activation activation, Tensor x, const float* up);
  void add_mlp(Tensor x, const Mlp& mlp, Tensor into);
  void add_any_mlp(Tensor x, const Linear& up, bool gated, const Linear& down,
                   Activation activation, Tensor into);

  ThreadPool& pool_;
  const Kernels& kernels_;
  Arena arena_;
  CpuAttention attention_;
  CpuRecurrence recurrence_;
  MatmulScratchPtr scratch_;
  const Batch* batch_ = nullptr;
  bool after_layers_ = false;
};

// Rows begin at cache lines.
Tensor CpuOps::make(int64_t rows, int64_t cols) {
  const int64_t stride = (cols + 15) / 16 * 16;
  return {arena_.floats(rows * stride), rows, cols, stride};
}

Tensor CpuOps::embed(const StoredTensor& table, float multiplier) {
  const Tensor out = make(batch_->n_tokens(), table.n_cols());
  const auto embed_rows = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int32_t id = batch_->ids[static_cast<size_t>(i)];
      OVERTAKE_CHECK(id >= 0 && id < table.n_rows());
      table.type->decode(table.row_bytes(id).data(), out.row(i), out.cols);
      if (multiplier == 1.0f) continue;
      for (float& value : out.row_span(i)) value *= multiplier;
    }
  };
  spread_range(pool_, out.rows, 8, out.rows * out.cols, embed_rows);
  return out;
}

Tensor CpuOps::norm(Tensor x, const Norm& norm) {
  OVERTAKE_CHECK(static_cast<int64_t>(norm.weight.size()) == x.cols);
  OVERTAKE_CHECK(norm.bias.empty() || norm.bias.size() == norm.weight.size());
  const Tensor out = make(x.rows, x.cols);
  const NormRow row = {norm.weight.data(), norm.bias.empty() ? nullptr : norm.bias.data(),
                       norm.epsilon};
  const auto kernel =
      norm.kind == Norm::Kind::kRms ? kernels_.row.rms_norm : kernels_.row.layer_norm;
  spread_range(pool_, x.rows, 8, x.rows * x.cols, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) kernel(x.row(i), row, out.row(i), x.cols);
  });
  return out;
}

// out = x * scale + bias, plus `add` where given.
void CpuOps::rescale(Tensor x, const Linear& w, const Tensor* add, Tensor out) {
  OVERTAKE_CHECK(static_cast<int64_t>(w.scale.size()) == x.cols);
  const float* bias = w.bias.empty() ? nullptr : w.bias.data();
  spread_range(pool_, x.rows, 8, x.rows * x.cols, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const ScaleRow by = {w.scale.data(), bias, add ? add->row(i) : nullptr};
      kernels_.row.scale(x.row(i), by, out.row(i), x.cols);
    }
  });
}

// body(first row, number of rows, phase) for segments of one phase that follow each other.
template <typename Body>
void CpuOps::for_each_run(const Body& body) const {
  const std::span<const Segment> segments = batch_->segments;
  for (size_t begin = 0, end = 0; begin < segments.size(); begin = end) {
    const Phase phase = segments[begin].phase;
    while (end < segments.size() && segments[end].phase == phase) ++end;
    const int64_t first = segments[begin].first_row;
    body(first, segments[end - 1].first_row + segments[end - 1].n_rows - first, phase);
  }
}

// Logits are always computed as decoding computes them: most prompts want those of one row.
void CpuOps::multiply(Tensor x, const Linear& w, std::span<const float> bias, bool accumulate,
                      Tensor out) {
  if (after_layers_) return matmul(x, *w.weight, bias, accumulate, out, *scratch_, pool_);
  for_each_run([&](int64_t first, int64_t n, Phase phase) {
    const auto product = phase == Phase::kPrefill ? matmul_prefill : matmul;
    product(x.some_rows(first, n), *w.weight, bias, accumulate, out.some_rows(first, n), *scratch_,
            pool_);
  });
}

Tensor CpuOps::linear(Tensor x, const Linear& w) {
  const Tensor out = make(x.rows, w.weight->n_out());
  const bool scaled = !w.scale.empty();
  multiply(x, w, scaled ? std::span<const float>() : w.bias, /*accumulate=*/false, out);
  if (scaled) rescale(out, w, nullptr, out);
  return out;
}

void CpuOps::linear_add(Tensor x, const Linear& w, Tensor into) {
  if (w.scale.empty()) {
    multiply(x, w, w.bias, /*accumulate=*/true, into);
    return;
  }
  const size_t mark = arena_.mark();
  const Tensor product = make(x.rows, w.weight->n_out());
  multiply(x, w, {}, /*accumulate=*/false, product);
  rescale(product, w, &into, into);
  arena_.release(mark);
}

Tensor CpuOps::attention(Tensor qkv, const AttentionSpec& spec, int layer) {
  const Tensor out = make(qkv.rows, int64_t{spec.n_heads} * spec.head_dim);
  attention_.run(qkv, spec, layer, out);
  return out;
}

Tensor CpuOps::causal_conv(Tensor x, const CausalConv& conv, int layer) {
  const Tensor out = make(x.rows, x.cols);
  recurrence_.conv(x, conv, layer, out);
  return out;
}

Tensor CpuOps::selective_scan(const ScanInput& in, const SelectiveScan& scan, int layer) {
  const Tensor out = make(in.x.rows, in.x.cols);
  recurrence_.scan(in, scan, layer, out);
  return out;
}

Tensor CpuOps::gated_norm(Tensor x, Tensor gate, const GatedNorm& norm) {
  const int64_t width = x.cols / norm.n_groups;
  OVERTAKE_CHECK(width * norm.n_groups == x.cols && gate.cols == x.cols);
  OVERTAKE_CHECK(norm.norm.kind == Norm::Kind::kRms && norm.norm.bias.empty());
  OVERTAKE_CHECK(static_cast<int64_t>(norm.norm.weight.size()) == x.cols);
  const Tensor out = make(x.rows, x.cols);
  const auto norm_row = [&](const float* from, float* to) {
    for (int64_t at = 0; at < x.cols; at += width) {
      const NormRow group = {norm.norm.weight.data() + at, nullptr, norm.norm.epsilon};
      kernels_.row.rms_norm(from + at, group, to + at, width);
    }
  };
  spread_range(pool_, x.rows, 4, 8 * x.rows * x.cols, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      float* to = out.row(i);
      if (norm.norm_before_gate) norm_row(x.row(i), to);
      const float* value = norm.norm_before_gate ? to : x.row(i);
      kernels_.row.gate(Activation::kSilu, gate.row(i), value, to, x.cols);
      if (!norm.norm_before_gate) norm_row(to, to);
    }
  });
  return out;
}

// x = activation(x), times `up` where given, whose rows have x's stride.
void CpuOps::activate(Activation activation, Tensor x, const float* up) {
  constexpr int64_t kPiece = 2048;  // columns: element by element, so any cut is as good
  const int64_t pieces = (x.cols + kPiece - 1) / kPiece;
  // An exponential is worth about ten simple operations.
  spread(pool_, x.rows * pieces, 4 * x.rows * x.cols, [&](int worker, int64_t task) {
    const int64_t at = task / pieces * x.stride + task % pieces * kPiece;
    const int64_t n = std::min(kPiece, x.cols - task % pieces * kPiece);
    kernels_.row.gate(activation, x.data + at, up ? up + at : nullptr, x.data + at, n);
  });
}

// One that can_fuse_prefill().
void CpuOps::add_mlp(Tensor x, const Mlp& mlp, Tensor into) {
  for_each_run([&](int64_t first, int64_t n, Phase phase) {
    const Tensor rows = x.some_rows(first, n);
    const Tensor out = into.some_rows(first, n);
    if (phase == Phase::kPrefill) return mlp_prefill(rows, mlp, out, *scratch_, pool_);
    const Tensor hidden = make(n, mlp.up.n_out());
    const Tensor channels = hidden.columns(0, mlp.down.n_in());
    matmul(rows, mlp.up, mlp.up_bias, /*accumulate=*/false, hidden, *scratch_, pool_);
    activate(mlp.activation, channels, mlp.gated ? hidden.data + channels.cols : nullptr);
    matmul(channels, mlp.down, mlp.down_bias, /*accumulate=*/true, out, *scratch_, pool_);
  });
}

void CpuOps::add_any_mlp(Tensor x, const Linear& up, bool gated, const Linear& down,
                         Activation activation, Tensor into) {
  const size_t mark = arena_.mark();
  const Mlp mlp = {*up.weight,        up.bias,      gated,    activation,
                   kernels_.row.gate, *down.weight, down.bias};
  if (up.scale.empty() && down.scale.empty() && can_fuse_prefill(mlp)) {
    add_mlp(x, mlp, into);
  } else {
    const Tensor hidden = linear(x, up);
    const Tensor channels = hidden.columns(0, mlp.down.n_in());
    activate(activation, channels, gated ? hidden.data + channels.cols : nullptr);
    linear_add(channels, down, into);
  }
  arena_.release(mark);
}

void CpuOps::gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down,
                           Activation activation, Tensor into) {
  add_any_mlp(x, gate_up, /*gated=*/true, down, activation, into);
}

void CpuOps::mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
                     Tensor into) {
  add_any_mlp(x, up, /*gated=*/false, down, activation, into);
}

void CpuOps::pool_rows(Tensor x, const Norm& norm) {
  for (const Segment& segment : batch_->segments) {
    if (!segment.pooled) continue;
    const size_t mark = arena_.mark();
    const Tensor rows =
        this->norm({x.row(segment.first_row), segment.n_rows, x.cols, x.stride}, norm);
    spread_range(pool_, rows.cols, 16, rows.rows * rows.cols, [&](int64_t first, int64_t last) {
      for (int64_t i = 0; i < rows.rows; ++i) {
        for (int64_t j = first; j < last; ++j) segment.pooled[j] += rows.row(i)[j];
      }
    });
    arena_.release(mark);
  }
}

Tensor CpuOps::take_logit_rows(Tensor x) {
  after_layers_ = true;
  const Tensor out = make(static_cast<int64_t>(batch_->logit_rows.size()), x.cols);
  for (int64_t i = 0; i < out.rows; ++i) {
    const int32_t row = batch_->logit_rows[static_cast<size_t>(i)];
    std::memcpy(out.row(i), x.row(row), static_cast<size_t>(x.cols) * sizeof(float));
  }
  return out;
}

}  // namespace

std::unique_ptr<Ops> make_cpu_ops(ThreadPool& pool, Isa isa, bool bf16_prompts) {
  return std::make_unique<CpuOps>(pool, isa, bf16_prompts);
}

}  // namespace overtake
