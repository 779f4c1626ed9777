// Products of prompts: against float64 references, the same bits in any company, and for what a
// matrix unit makes of numbers that are none.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tensor/cpu/allocation_count_test.h"
#include "tensor/cpu/matmul_test_support.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {
namespace {

Matrix prefill(const Tensor& x, const Weight& weight, int n_threads) {
  ThreadPool pool(n_threads);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  Matrix y(x.rows, weight.n_out());
  matmul_prefill(x, weight, {}, false, y.tensor, *scratch, pool);
  return y;
}

std::vector<const QuantType*> types() {
  return {all_quant_types().begin(), all_quant_types().end()};
}

class PrefillOn : public testing::TestWithParam<std::tuple<const QuantType*, Isa>> {
 protected:
  const QuantType& type() const { return *std::get<0>(GetParam()); }
  Isa isa() const { return std::get<1>(GetParam()); }
};

// Errors of rounding are independent, so that a sum's is some standard deviations; a number in the
// wrong place is far outside.
TEST_P(PrefillOn, AgreesWithFloat64) {
  constexpr double kBf16Error = 0x1p-9;
  // Of 32 normal numbers, whose largest is about 2.1 deviations, in steps of a 127th of that.
  constexpr double kInt8Error = 2.1 / 127 / 2;
  ThreadPool pool(2);
  struct Shape {
    int64_t n_rows, n_out, n_in;
  };
  for (const Shape& shape : {Shape{1, 16, 256}, {17, 33, 512}, {50, 300, 1280}, {40, 70, 2304}}) {
    SCOPED_TRACE(testing::Message() << shape.n_rows << " x " << shape.n_out << " x " << shape.n_in);
    const RandomTensor w(type(), shape.n_out, shape.n_in, 1);
    const std::vector<float> decoded = w.stored.to_f32();
    const auto weight = pack(w, isa(), pool);
    const Matrix x(shape.n_rows, shape.n_in, 2);
    const Matrix y = prefill(x.tensor, *weight, 2);
    const double error = prefills_in_bf16(*weight) ? kBf16Error : kInt8Error;
    for (int64_t i = 0; i < shape.n_rows; ++i) {
      for (int64_t j = 0; j < shape.n_out; ++j) {
        double exact = 0, squares = 0;
        for (int64_t k = 0; k < shape.n_in; ++k) {
          const double term = double{decoded[j * shape.n_in + k]} * x.tensor.row(i)[k];
          exact += term;
          squares += term * term;
        }
        ASSERT_NEAR(y.tensor.row(i)[j], exact, 8 * error * std::sqrt(squares)) << i << " " << j;
      }
    }
  }
}

TEST_P(PrefillOn, GivesARowTheSameBitsInAnyCompany) {
  constexpr int64_t kOut = 330, kIn = 1280;
  ThreadPool pool(2);
  const RandomTensor w(type(), kOut, kIn, 3);
  const auto weight = pack(w, isa(), pool);
  // The matrix unit's products are cut at 512 rows.
  const Matrix x(prefills_in_bf16(*weight) ? 600 : 60, kIn, 4);
  const Matrix all = prefill(x.tensor, *weight, 4);
  for (const int64_t n : {1, 2, 15, 16, 17, 33, 48, 513}) {
    if (7 + n > x.tensor.rows) continue;
    SCOPED_TRACE(n);
    const Matrix some = prefill(x.tensor.some_rows(7, n), *weight, 1);
    expect_same_bits(some.tensor, all.tensor.some_rows(7, n));
  }
}

std::string test_name(const testing::TestParamInfo<PrefillOn::ParamType>& info) {
  return fmt::format("{}_{}", std::get<0>(info.param)->name, isa_name(std::get<1>(info.param)));
}

std::vector<Isa> vector_isas() {
  std::vector<Isa> isas = supported_isas();
  if (isas.size() > 1) isas.erase(isas.begin());
  return isas;
}

INSTANTIATE_TEST_SUITE_P(Every, PrefillOn,
                         testing::Combine(testing::ValuesIn(types()),
                                          testing::ValuesIn(vector_isas())),
                         test_name);

class PrefillOnIsa : public testing::TestWithParam<Isa> {};

TEST_P(PrefillOnIsa, MultipliesFullFloatsAsDecodingDoes) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(*find_quant_type("F32"), 40, 256, 5);
  const auto weight = pack(w, GetParam(), pool);
  const Matrix x(35, 256, 6);
  Matrix y(35, 40);
  matmul(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
  expect_same_bits(prefill(x.tensor, *weight, 2).tensor, y.tensor);
}

TEST_P(PrefillOnIsa, AddsBiasAndAccumulatesInStridedRows) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(*find_quant_type("Q4_K"), 53, 512, 7);
  const auto weight = pack(w, GetParam(), pool);
  const Matrix bias(1, 53, 8), x(35, 540, 9);
  const Tensor part = x.tensor.columns(16, 512);
  const Matrix plain = prefill(part, *weight, 1);
  Matrix y(35, 80, 10), before(35, 80, 10);
  matmul_prefill(part, *weight, bias.data, true, y.tensor.columns(5, 53), *scratch, pool);
  for (int64_t i = 0; i < 35; ++i) {
    for (int64_t j = 0; j < 80; ++j) {
      const float old = before.tensor.row(i)[j];
      const int64_t k = j - 5;
      const bool inside = k >= 0 && k < 53;
      ASSERT_EQ(y.tensor.row(i)[j],
                inside ? old + (plain.tensor.row(i)[k] + bias.data[static_cast<size_t>(k)]) : old);
    }
  }
}

TEST_P(PrefillOnIsa, AllocatesNothingOnceWarm) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(*find_quant_type("Q4_1"), 64, 512, 40);
  const auto weight = pack(w, GetParam(), pool);
  const Matrix x(70, 512, 41);
  Matrix y(70, 64);
  matmul_prefill(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
  const int64_t before = allocation_count();
  for (const int64_t n : {1, 2, 13, 70}) {
    matmul_prefill(x.tensor.some_rows(0, n), *weight, {}, true, y.tensor.some_rows(0, n), *scratch,
                   pool);
  }
  EXPECT_EQ(allocation_count(), before);
}

TEST_P(PrefillOnIsa, PassesNotANumberOnInItsRowOnly) {
  ThreadPool pool(1);
  const RandomTensor w(*find_quant_type("Q8_0"), 20, 128, 50);
  const auto weight = pack(w, GetParam(), pool);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Matrix x(6, 128, 51);
    x.tensor.row(2)[77] = bad;
    const Matrix y = prefill(x.tensor, *weight, 1);
    for (int64_t j = 0; j < 20; ++j) {
      EXPECT_TRUE(std::isfinite(y.tensor.row(1)[j]));
      EXPECT_FALSE(std::isfinite(y.tensor.row(2)[j]));
    }
  }
}

// Bytes of ones are a NaN whose rounding would carry into its sign and end as a small number.
TEST_P(PrefillOnIsa, KeepsNotANumberInAWeight) {
  ThreadPool pool(1);
  for (const char* name : {"Q8_0", "Q4_1", "Q4_K", "Q6_K"}) {
    SCOPED_TRACE(name);
    const QuantType& type = *find_quant_type(name);
    RandomTensor w(type, 20, 256, 52);
    const auto row = static_cast<size_t>(type.row_bytes(256));
    std::fill_n(w.bytes.begin() + static_cast<ptrdiff_t>(3 * row), row, std::byte{0xff});
    const auto weight = pack(w, GetParam(), pool);
    const Matrix x(20, 256, 53);
    const Matrix y = prefill(x.tensor, *weight, 1);
    for (int64_t i = 0; i < 20; ++i) {
      for (int64_t j = 0; j < 20; ++j) {
        EXPECT_EQ(std::isnan(y.tensor.row(i)[j]), j == 3) << i << " " << j;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, PrefillOnIsa, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

}  // namespace
}  // namespace overtake
