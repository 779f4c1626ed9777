#include "tensor/cpu/matmul_input.h"

#include <algorithm>

#include "base/check.h"

namespace overtake {
namespace {

// Below this many numbers, waking other threads costs more than they save.
constexpr int64_t kSerialElements = 16384;

// A matrix unit reads up to two blocks of 16 rows past the last.
constexpr int64_t kOverread = 2 * kPanelHeight * kRowBlock;

// Hands out parts of one block of memory; with none yet, it only adds up what is needed.
class Carver {
 public:
  explicit Carver(std::byte* base) : base_(base) {}
  template <typename T>
  T* take(int64_t count) {
    const size_t at = used_;
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return base_ ? reinterpret_cast<T*>(base_ + at) : nullptr;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

}  // namespace

void MatmulScratch::place(const PackedWeight& weight, const Tensor& x) {
  n_rows_ = x.rows;
  n_in_ = x.cols;
  inputs_.clear();
  for (const InputKind& kind : weight.input_kinds()) inputs_.push_back({.kind = kind});
  const int64_t blocks = x.rows * x.cols / kBlockK;
  const int64_t panels = (x.rows + kPanelHeight - 1) / kPanelHeight;
  const auto carve = [&](std::byte* base) {
    Carver carver(base);
    for (Input& input : inputs_) {
      input.codes = carver.take<int8_t>(blocks * kRowBlock + kOverread);
      input.scale = carver.take<float>(blocks);
      input.half_sums = carver.take<int32_t>(2 * blocks);
      if (input.kind.has_min) {
        input.min_sum = carver.take<float>(blocks * input.kind.groups);
      } else {
        input.zero_sum = carver.take<int32_t>(blocks * input.kind.groups);
      }
      input.fine_rows = carver.take<uint16_t>(panels * (x.cols / kBlockK));
    }
    if (weight.has_floats()) own_floats_ = carver.take<float>(x.rows * x.cols);
    return carver.used();
  };
  carve(take(carve(nullptr)));
}

std::byte* MatmulScratch::take(size_t size) {
  if (size > capacity_) {
    memory_.reset();
    capacity_ = size + size / 4;
    memory_ = allocate_block(capacity_);
    OVERTAKE_CHECK(memory_ != nullptr);
  }
  return memory_.get();
}

void MatmulScratch::quantize_panel(const Tensor& x, const MatmulKernels& kernels,
                                   const Input& input, FineCodes which, int64_t first_row) const {
  const int64_t height = std::min(kPanelHeight, n_rows_ - first_row);
  const int64_t n_blocks = n_in_ / kBlockK;
  const int64_t first = first_row * n_blocks;  // blocks of earlier panels
  uint16_t* fine_rows = input.fine_rows + first_row / kPanelHeight * n_blocks;
  std::fill_n(fine_rows, n_blocks, uint16_t{0});
  for (int64_t r = 0; r < height; ++r) {
    const QuantizedRow out = {input.codes + first * kRowBlock + r * kRowBlock,
                              input.scale + first + r,
                              input.half_sums + (first + r) * 2,
                              fine_rows,
                              static_cast<uint16_t>(1u << r),
                              height};
    kernels.quantize(x.row(first_row + r), n_blocks, input.kind.fine_bits, which, out);
  }
  const int64_t count = height * n_blocks;
  const int32_t* half = input.half_sums + first * 2;
  float* scale = input.scale + first;
  const int groups = input.kind.groups;
  const int32_t bias = input.kind.dot_bias ? kDotBias : 0;
  if (input.kind.unit != 1) {
    for (int64_t i = 0; i < count; ++i) scale[i] *= input.kind.unit;
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int g = 0; g < groups; ++g) {
      const int32_t sum = groups == 2 ? half[2 * i + g] : half[2 * i] + half[2 * i + 1];
      const int64_t at = (first + i) * groups + g;
      if (input.kind.has_min) {
        input.min_sum[at] = -(static_cast<float>(sum) * scale[i]);
      } else {
        input.zero_sum[at] = bias - input.kind.zero * sum;
      }
    }
  }
}

void MatmulScratch::transpose_panel(const Tensor& x, int64_t first_row) const {
  const int64_t height = std::min<int64_t>(kMaxPanelRows, n_rows_ - first_row);
  float* out = own_floats_ + first_row * n_in_;
  for (int64_t k = 0; k < n_in_; ++k) {
    for (int64_t r = 0; r < height; ++r) *out++ = x.row(first_row + r)[k];
  }
}

void MatmulScratch::load(Tensor x, const PackedWeight& weight, FineCodes which, ThreadPool& pool) {
  place(weight, x);
  const auto for_panels = [&](int64_t height, auto body) {
    const int64_t n_panels = (x.rows + height - 1) / height;
    if (x.rows * x.cols <= kSerialElements) {
      for (int64_t i = 0; i < n_panels; ++i) body(i * height);
    } else {
      pool.parallel_for(static_cast<int>(n_panels), [&](int i) { body(i * height); });
    }
  };
  for (const Input& input : inputs_) {
    for_panels(kPanelHeight,
               [&](int64_t row) { quantize_panel(x, weight.kernels(), input, which, row); });
  }
  if (weight.has_floats()) {
    floats_ = x.rows == 1 ? x.data : own_floats_;
    if (x.rows > 1) for_panels(kMaxPanelRows, [&](int64_t row) { transpose_panel(x, row); });
  }
}

IntegerRows MatmulScratch::integer_rows(size_t input_kind, int64_t row) const {
  const int64_t in_panel = row % kPanelHeight;
  const int64_t panel_row = row - in_panel;
  const int64_t at = panel_row * (n_in_ / kBlockK) + in_panel;
  const Input& input = inputs_[input_kind];
  const int64_t sums_at = at * input.kind.groups;
  return {input.codes + at * kRowBlock,
          input.scale + at,
          input.zero_sum ? input.zero_sum + sums_at : nullptr,
          input.min_sum ? input.min_sum + sums_at : nullptr,
          input.fine_rows + panel_row / kPanelHeight * (n_in_ / kBlockK),
          std::min(kPanelHeight, n_rows_ - panel_row),
          in_panel};
}

void MatmulScratchDeleter::operator()(MatmulScratch* scratch) const { delete scratch; }

MatmulScratchPtr make_matmul_scratch() { return MatmulScratchPtr(new MatmulScratch); }

}  // namespace overtake
