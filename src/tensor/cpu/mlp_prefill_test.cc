// An MLP of prompts without what stands between its products: the bits of its parts, one by one.
#include <fmt/core.h>

#include "tensor/cpu/kernels.h"
#include "tensor/cpu/matmul_test_support.h"

namespace overtake {
namespace {

struct Shape {
  const char* gate;  // the types
  const char* up;    // null: not gated
  const char* down;
  int64_t n_in, width, n_rows;
  bool biased;
};

class MlpPrefillOn : public testing::TestWithParam<Isa> {
 protected:
  std::unique_ptr<Weight> pack_rows(const std::vector<const RandomTensor*>& parts) {
    std::vector<RowSpan> rows;
    for (const RandomTensor* part : parts) {
      rows.push_back({&part->stored, 0, part->stored.n_rows()});
    }
    return pack_cpu_weight(rows, GetParam(), pool_).value();
  }

  ThreadPool pool_{2};
  MatmulScratchPtr scratch_ = make_matmul_scratch();
};

TEST_P(MlpPrefillOn, HasTheBitsOfItsParts) {
  const Shape shapes[] = {
      {"Q4_1", "Q4_1", "Q4_1", 576, 1536, 50, false},
      {"Q4_K", "Q4_K", "Q6_K", 512, 768, 550, false},
      {"Q4_K", "Q6_K", "BF16", 256, 512, 33, false},
      {"BF16", "BF16", "Q8_0", 64, 32, 1, true},
      {"Q8_0", "Q8_0", "Q8_0", 96, 352, 17, true},
      {"Q5_0", nullptr, "Q4_0", 96, 352, 49, false},
      {"BF16", nullptr, "Q4_0", 64, 96, 520, true},
  };
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(testing::Message() << shape.gate << " " << shape.n_rows);
    const bool gated = shape.up != nullptr;
    const RandomTensor gate(*find_quant_type(shape.gate), shape.width, shape.n_in, 1);
    const RandomTensor up(*find_quant_type(gated ? shape.up : "F32"), shape.width, shape.n_in, 2);
    const RandomTensor down(*find_quant_type(shape.down), 70, shape.width, 3);
    std::vector<const RandomTensor*> parts = {&gate};
    if (gated) parts.push_back(&up);
    const auto first = pack_rows(parts);
    const auto second = pack_rows({&down});
    const Matrix up_bias(1, first->n_out(), 4), down_bias(1, 70, 5), x(shape.n_rows, shape.n_in, 6);
    const auto bias_of = [&](const Matrix& bias) {
      return shape.biased ? std::span<const float>(bias.data) : std::span<const float>();
    };
    const Mlp mlp = {*first,
                     bias_of(up_bias),
                     gated,
                     gated ? Activation::kSilu : Activation::kGelu,
                     kernels_for(GetParam()).row.gate,
                     *second,
                     bias_of(down_bias)};
    ASSERT_EQ(can_fuse_prefill(mlp), prefills_in_bf16(*first));
    if (!can_fuse_prefill(mlp)) continue;

    Matrix hidden(shape.n_rows, first->n_out());
    matmul_prefill(x.tensor, *first, mlp.up_bias, false, hidden.tensor, *scratch_, pool_);
    const Tensor channels = hidden.tensor.columns(0, shape.width);
    for (int64_t i = 0; i < shape.n_rows; ++i) {
      float* row = channels.row(i);
      mlp.gate(mlp.activation, row, gated ? row + shape.width : nullptr, row, shape.width);
    }
    Matrix expected(shape.n_rows, 70, 7), got(shape.n_rows, 70, 7);
    matmul_prefill(channels, *second, mlp.down_bias, true, expected.tensor, *scratch_, pool_);
    mlp_prefill(x.tensor, mlp, got.tensor, *scratch_, pool_);
    expect_same_bits(got.tensor, expected.tensor);
  }
}

// Outputs of two types meet within a tile, or F32 weights compute in f32: no fused form.
TEST_P(MlpPrefillOn, IsRefusedWhereTilesDoNotFit) {
  const auto fits = [&](const char* gate_type, const char* up_type, const char* down_type,
                        int64_t width) {
    const RandomTensor gate(*find_quant_type(gate_type), width, 64, 1);
    const RandomTensor up(*find_quant_type(up_type), width, 64, 2);
    const RandomTensor down(*find_quant_type(down_type), 32, width, 3);
    const auto first = pack_rows({&gate, &up});
    const auto second = pack_rows({&down});
    return can_fuse_prefill(
        {*first, {}, true, Activation::kSilu, kernels_for(GetParam()).row.gate, *second, {}});
  };
  const bool has_unit = GetParam() == Isa::kAmx;
  EXPECT_EQ(fits("Q8_0", "Q4_0", "Q8_0", 64), has_unit);
  EXPECT_FALSE(fits("F32", "F32", "Q8_0", 64));
  EXPECT_FALSE(fits("Q8_0", "F32", "Q8_0", 64));
  EXPECT_FALSE(fits("Q8_0", "Q8_0", "F32", 64));
  EXPECT_FALSE(fits("BF16", "BF16", "BF16", 40));
}

INSTANTIATE_TEST_SUITE_P(Every, MlpPrefillOn, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

}  // namespace
}  // namespace overtake
