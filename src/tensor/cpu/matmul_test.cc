// The matrix product against float64 references, and its promise: the same bits for any number of
// rows and threads.
#include "tensor/cpu/matmul.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "tensor/cpu/allocation_count_test.h"
#include "tensor/cpu/matmul_test_support.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {
namespace {

constexpr double kEpsilon = 0x1p-24;  // of f32

float largest_of(std::span<const float> x) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

// What coarse and fine int8 codes make of x. See fine_bits and FineCodes.
std::vector<double> quantized(std::span<const float> x, int fine_bits, FineCodes which) {
  const float ratio = std::ldexp(1.0f, fine_bits);
  float sum = 0;
  for (size_t block = 0; block < x.size(); block += 32) sum += largest_of(x.subspan(block, 32));
  const float mean = sum / static_cast<float>(x.size() / 32);
  std::vector<double> out;
  for (size_t block = 0; block < x.size(); block += 32) {
    const float largest = largest_of(x.subspan(block, 32));
    const bool has_fine = which == FineCodes::kAll || largest > kOutlier * mean;
    const float inverse = largest > 0 ? 127.0f / largest : 0;
    const float scale = largest / 127.0f;
    for (size_t i = 0; i < 32; ++i) {
      const float coarse = std::nearbyint(x[block + i] * inverse);
      const float product = coarse * scale;
      const float rest = x[block + i] - product;
      const float fine = std::clamp(std::nearbyint(rest * (inverse * ratio)), -127.0f, 127.0f);
      out.push_back((static_cast<double>(coarse) * ratio + (has_fine ? fine : 0)) *
                    (scale / ratio));
    }
  }
  return out;
}

// The largest of each 32 weights, for each of them: what bounds the rounding of terms that cancel.
std::vector<double> block_bound(std::span<const float> w) {
  std::vector<double> out(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const size_t begin = i / 32 * 32;
    for (size_t j = begin; j < std::min(begin + 32, w.size()); ++j) {
      out[i] = std::max<double>(out[i], std::abs(w[j]));
    }
  }
  return out;
}

// Sizes that cross every border: a K of one block, of one slice and of more; rows beside and beyond
// a tile, a panel and a kernel's rows.
struct Shape {
  int64_t n_rows, n_out, n_in;
};
std::vector<Shape> shapes(const QuantType& type) {
  const int64_t unit = std::max(type.block, 32);
  if (type.integer == nullptr) return {{1, 5, 7}, {3, 33, 100}, {9, 16, 31}, {70, 19, 64}};
  return {{1, 1, unit},      {2, 17, 3 * unit}, {4, 37, 1280}, {5, 16, 2304},
          {19, 33, 2 * 512}, {33, 7, 1280},     {70, 50, 256}};
}

class MatmulOn : public testing::TestWithParam<std::tuple<const QuantType*, Isa>> {
 protected:
  const QuantType& type() const { return *std::get<0>(GetParam()); }
  Isa isa() const { return std::get<1>(GetParam()); }
};

// y against what weights `decoded` make of x in codes, and, as far as those err, of x itself.
void expect_product(const QuantType& type, std::span<const float> decoded, const Tensor& x,
                    FineCodes which, const Tensor& y) {
  for (int64_t i = 0; i < x.rows; ++i) {
    const auto row = x.row_span(i);
    const std::vector<double> xq = type.integer
                                       ? quantized(row, fine_bits(type.integer->dot_bits()), which)
                                       : std::vector<double>(row.begin(), row.end());
    for (int64_t j = 0; j < y.cols; ++j) {
      const std::span<const float> wj(decoded.data() + j * x.cols, row.size());
      const std::vector<double> bound = block_bound(wj);
      double exact = 0, exact_f32 = 0, size = 0, quantization = 0;
      for (size_t k = 0; k < row.size(); ++k) {
        exact += wj[k] * xq[k];
        exact_f32 += double{wj[k]} * row[k];
        size += bound[k] * std::abs(xq[k]);
        quantization += std::abs(wj[k] * (xq[k] - row[k]));
      }
      // Roundings: a few a block of 32, one a term for floats; each at most of the sum so far.
      const double n_roundings = type.integer ? x.cols / 32 * 2 + 8 : x.cols;
      const double tolerance = n_roundings * kEpsilon * 2 * size;
      ASSERT_NEAR(y.row(i)[j], exact, tolerance) << i << " " << j;
      ASSERT_NEAR(y.row(i)[j], exact_f32, quantization + tolerance);
    }
  }
}

TEST_P(MatmulOn, AgreesWithFloat64) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  for (const Shape& shape : shapes(type())) {
    SCOPED_TRACE(testing::Message() << shape.n_rows << " x " << shape.n_out << " x " << shape.n_in);
    const RandomTensor w(type(), shape.n_out, shape.n_in, 1);
    const std::vector<float> decoded = w.stored.to_f32();
    const auto weight = pack(w, isa(), pool);
    const Matrix x(shape.n_rows, shape.n_in, 2);
    Matrix y(shape.n_rows, shape.n_out);
    matmul(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
    expect_product(type(), decoded, x.tensor, FineCodes::kAll, y.tensor);
  }
}

TEST_P(MatmulOn, KeepsThePrecisionOfOutliersInPrompts) {
  constexpr int64_t kRows = 37, kOut = 35, kIn = 1280;
  ThreadPool pool(2);
  const RandomTensor w(type(), kOut, kIn, 11);
  const auto weight = pack(w, isa(), pool);
  if (!type().integer || prefills_in_bf16(*weight)) return;  // no int8 in prompts
  Matrix x(kRows, kIn, 12);
  // Some rows with outliers, in panels of 16 and of 8 where others have none; and panels without.
  for (const int64_t row : {0, 3, 20, 36}) x.tensor.row(row)[100 + 3 * row] *= 40;
  Matrix y(kRows, kOut);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  matmul_prefill(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
  expect_product(type(), w.stored.to_f32(), x.tensor, FineCodes::kOfOutliers, y.tensor);
}

TEST_P(MatmulOn, GivesARowTheSameBitsInAnyCompany) {
  ThreadPool one(1), four(4);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const int64_t n_in = type().integer ? 1280 : 77;
  const RandomTensor w(type(), 53, n_in, 3);
  const auto weight = pack(w, isa(), one);
  const auto weight_by_four = pack(w, isa(), four);
  Matrix x(70, n_in, 4);
  Matrix alone(70, 53);
  for (int64_t i = 0; i < 70; ++i) {
    const Tensor row = {x.tensor.row(i), 1, n_in, n_in};
    matmul(row, *weight, {}, false, {alone.tensor.row(i), 1, 53, 53}, *scratch, one);
  }
  for (const int64_t n : {2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 37, 70}) {
    Matrix together(70, 53), by_four(70, 53);
    const Tensor rows = {x.data.data(), n, n_in, n_in};
    matmul(rows, *weight, {}, false, {together.data.data(), n, 53, 53}, *scratch, one);
    matmul(rows, *weight_by_four, {}, false, {by_four.data.data(), n, 53, 53}, *scratch, four);
    const Tensor expected = {alone.data.data(), n, 53, 53};
    SCOPED_TRACE(n);
    expect_same_bits({together.data.data(), n, 53, 53}, expected);
    expect_same_bits({by_four.data.data(), n, 53, 53}, expected);
  }
}

TEST_P(MatmulOn, AddsBiasAndAccumulates) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(type(), 21, 256, 5);
  const auto weight = pack(w, isa(), pool);
  const Matrix bias(1, 21, 6);
  for (const int64_t n : {1, 11}) {
    const Matrix x(n, 256, 7);
    Matrix plain(n, 21), biased(n, 21), added(n, 21, 8), expected(n, 21, 8);
    matmul(x.tensor, *weight, {}, false, plain.tensor, *scratch, pool);
    matmul(x.tensor, *weight, bias.data, false, biased.tensor, *scratch, pool);
    matmul(x.tensor, *weight, bias.data, true, added.tensor, *scratch, pool);
    for (size_t i = 0; i < plain.data.size(); ++i) plain.data[i] += bias.data[i % 21];
    expect_same_bits(biased.tensor, plain.tensor);
    for (size_t i = 0; i < plain.data.size(); ++i) expected.data[i] += plain.data[i];
    expect_same_bits(added.tensor, expected.tensor);
  }
}

TEST_P(MatmulOn, ReadsAndWritesStridedRows) {
  ThreadPool pool(1);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(type(), 20, 256, 9);
  const auto weight = pack(w, isa(), pool);
  const Matrix wide(6, 300, 10);
  const Tensor x = wide.tensor.columns(13, 256);
  Matrix y(6, 50), dense(6, 256), expected(6, 20);
  matmul(x, *weight, {}, false, y.tensor.columns(7, 20), *scratch, pool);
  for (int64_t i = 0; i < 6; ++i) std::copy_n(x.row(i), 256, dense.tensor.row(i));
  matmul(dense.tensor, *weight, {}, false, expected.tensor, *scratch, pool);
  expect_same_bits(y.tensor.columns(7, 20), expected.tensor);
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(y.tensor.row(i)[6], 0);
    EXPECT_EQ(y.tensor.row(i)[27], 0);
  }
}

std::string test_name(const testing::TestParamInfo<MatmulOn::ParamType>& info) {
  return fmt::format("{}_{}", std::get<0>(info.param)->name, isa_name(std::get<1>(info.param)));
}

INSTANTIATE_TEST_SUITE_P(Every, MatmulOn,
                         testing::Combine(testing::ValuesIn(all_quant_types().begin(),
                                                            all_quant_types().end()),
                                          testing::ValuesIn(supported_isas())),
                         test_name);

class MatmulOnIsa : public testing::TestWithParam<Isa> {};

// q and k in one type and v in another, interleaved, as one matrix.
TEST_P(MatmulOnIsa, JoinsRowsOfDifferentTypes) {
  ThreadPool pool(3);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  std::vector<std::unique_ptr<RandomTensor>> parts;
  std::vector<RowSpan> spans;
  uint32_t seed = 20;
  for (const char* name : {"Q4_K", "Q4_K", "Q6_K", "F16", "Q8_0", "Q4_K"}) {
    parts.push_back(std::make_unique<RandomTensor>(*find_quant_type(name), 29, 512, seed++));
    spans.push_back({&parts.back()->stored, 3, 23});
  }
  const auto weight = pack(spans, GetParam(), pool);
  EXPECT_EQ(static_cast<const PackedWeight&>(*weight).segments().size(), 5u);
  for (const int64_t n : {1, 4, 18}) {
    const Matrix x(n, 512, 30);
    Matrix y(n, weight->n_out());
    matmul(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
    for (size_t i = 0; i < spans.size(); ++i) {
      const auto alone = pack({&spans[i], 1}, GetParam(), pool);
      Matrix expected(n, 23);
      matmul(x.tensor, *alone, {}, false, expected.tensor, *scratch, pool);
      expect_same_bits(y.tensor.columns(static_cast<int64_t>(i) * 23, 23), expected.tensor);
    }
  }
}

TEST_P(MatmulOnIsa, AllocatesNothingOnceWarm) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(*find_quant_type("Q4_1"), 64, 512, 40);
  const auto weight = pack(w, GetParam(), pool);
  const Matrix x(70, 512, 41);
  Matrix y(70, 64);
  matmul(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
  const int64_t before = allocation_count();
  for (const int64_t n : {1, 2, 13, 70}) {
    matmul({x.tensor.data, n, 512, 512}, *weight, {}, true, {y.tensor.data, n, 64, 64}, *scratch,
           pool);
  }
  EXPECT_EQ(allocation_count(), before);
}

TEST_P(MatmulOnIsa, PassesNotANumberOn) {
  ThreadPool pool(1);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  const RandomTensor w(*find_quant_type("Q8_0"), 20, 128, 50);
  const auto weight = pack(w, GetParam(), pool);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Matrix x(6, 128, 51);
    x.tensor.row(2)[77] = bad;
    Matrix y(6, 20);
    matmul(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
    for (int64_t j = 0; j < 20; ++j) {
      EXPECT_TRUE(std::isfinite(y.tensor.row(1)[j]));
      EXPECT_FALSE(std::isfinite(y.tensor.row(2)[j]));
    }
  }
}

// Any bytes may stand in a file; infinities and NaN pass through, and the other rows of the weight
// keep their values.
TEST_P(MatmulOnIsa, TakesWeightsThatAreNoNumbers) {
  ThreadPool pool(1);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  for (const QuantType* type : all_quant_types()) {
    RandomTensor w(*type, 20, 512, 52);
    const auto sound = pack(w, GetParam(), pool);
    const size_t row_bytes = static_cast<size_t>(type->row_bytes(512));
    std::mt19937 random(53);
    for (size_t i = 0; i < row_bytes; ++i) w.bytes[3 * row_bytes + i] = std::byte{0xff};
    for (size_t i = 0; i < row_bytes; ++i) {
      w.bytes[5 * row_bytes + i] = static_cast<std::byte>(random());
    }
    const auto odd = pack(w, GetParam(), pool);
    const Matrix x(37, 512, 54);
    for (const int64_t n : {1, 37}) {
      Matrix expected(n, 20), y(n, 20);
      matmul({x.tensor.data, n, 512, 512}, *sound, {}, false, expected.tensor, *scratch, pool);
      matmul({x.tensor.data, n, 512, 512}, *odd, {}, false, y.tensor, *scratch, pool);
      SCOPED_TRACE(type->name);
      expect_same_bits(y.tensor.columns(0, 3), expected.tensor.columns(0, 3));
      expect_same_bits(y.tensor.columns(6, 14), expected.tensor.columns(6, 14));
    }
  }
}

TEST_P(MatmulOnIsa, RefusesRowsThatDoNotFit) {
  ThreadPool pool(1);
  const RandomTensor a(*find_quant_type("Q8_0"), 4, 64, 60);
  const RandomTensor b(*find_quant_type("Q8_0"), 4, 96, 61);
  const auto pack_spans = [&](std::vector<RowSpan> spans) {
    return pack_cpu_weight(spans, GetParam(), pool).ok();
  };
  EXPECT_TRUE(pack_spans({{&a.stored, 0, 4}, {&a.stored, 1, 2}}));
  EXPECT_FALSE(pack_spans({{&a.stored, 0, 4}, {&b.stored, 0, 4}}));
  EXPECT_FALSE(pack_spans({{&a.stored, 1, 4}}));
  EXPECT_FALSE(pack_spans({{&a.stored, -1, 4}}));
  EXPECT_FALSE(pack_spans({{&a.stored, 0, 0}}));
  EXPECT_FALSE(pack_spans({{&a.stored, INT64_MAX, 2}}));
}

INSTANTIATE_TEST_SUITE_P(Every, MatmulOnIsa, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

// Each lane does the same IEEE operations in the same order on every vector instruction set.
TEST(Matmul, GivesTheSameBitsOnAllVectorInstructionSets) {
  ThreadPool pool(2);
  const MatmulScratchPtr scratch = make_matmul_scratch();
  for (const QuantType* type : all_quant_types()) {
    SCOPED_TRACE(type->name);
    const RandomTensor w(*type, 43, 1280, 70);
    const Matrix x(57, 1280, 71);
    Matrix narrow(57, 43), wide(57, 43), narrow_prompt(57, 43), wide_prompt(57, 43);
    for (const Isa isa : supported_isas()) {
      if (isa == Isa::kScalar) continue;
      const auto weight = pack(w, isa, pool);
      Matrix& y = isa == Isa::kAvx2 ? narrow : wide;
      matmul(x.tensor, *weight, {}, false, y.tensor, *scratch, pool);
      if (isa != Isa::kAvx2) expect_same_bits(wide.tensor, narrow.tensor);
      if (prefills_in_bf16(*weight)) continue;
      Matrix& prompt = isa == Isa::kAvx2 ? narrow_prompt : wide_prompt;
      matmul_prefill(x.tensor, *weight, {}, false, prompt.tensor, *scratch, pool);
      if (isa != Isa::kAvx2) expect_same_bits(wide_prompt.tensor, narrow_prompt.tensor);
    }
  }
}

// Codes in whole bits instead of points of codebooks: for 2 to 3 bits a weight, what a kernel would
// lose by gathering points is more than what it saves in reading.
double most_growth(std::string_view type) {
  if (type == "IQ1_M") return 2.1;
  if (type == "IQ1_S" || type == "IQ2_XXS") return 1.7;
  if (type == "IQ2_XS" || type == "IQ2_S" || type == "IQ3_XXS") return 1.6;
  if (type == "IQ3_S" || type == "TQ1_0") return 1.3;
  return type == "Q2_K" ? 1.2 : 1.06;
}

TEST(Matmul, PacksIntoLittleMoreThanTheFile) {
  ThreadPool pool(1);
  for (const QuantType* type : all_quant_types()) {
    const RandomTensor w(*type, 64, 512, 80);
    for (const Isa isa : supported_isas()) {
      const double ratio = static_cast<double>(pack(w, isa, pool)->bytes()) / w.bytes.size();
      EXPECT_LT(ratio, most_growth(type->name)) << type->name;
    }
  }
}

}  // namespace
}  // namespace overtake
