// Work is counted from shapes alone; each number here is worked out by hand.
#include "tensor/count_ops.h"

#include <gtest/gtest.h>

#include <numeric>

namespace overtake {
namespace {

class CountedWeight : public Weight {
 public:
  CountedWeight(int64_t n_out, int64_t n_in) : Weight(n_out, n_in) {}
  size_t bytes() const override { return 1000; }
};

Linear linear(int64_t n_out, int64_t n_in) {
  return {std::make_unique<CountedWeight>(n_out, n_in), {}, {}};
}

MultiplyKind always_int8(const Weight&, Phase) { return MultiplyKind::kInt8; }

// Two sequences: five rows from position 7 on, one row at position 2.
struct TwoSequences {
  std::vector<int32_t> ids = std::vector<int32_t>(6);
  std::vector<int64_t> positions = {7, 8, 9, 10, 11, 2};
  std::vector<Segment> segments = {{nullptr, 0, 5, 12}, {nullptr, 5, 1, 3}};
  std::vector<int32_t> logit_rows = {4, 5};
  Batch batch{ids, positions, segments, logit_rows};
};

constexpr KvShape kHalves = {.n_layers = 1, .n_kv_heads = 2, .head_dim = 8, .type = KvType::kF16};

TEST(CountOps, LinearLayersMultiplyEveryRowAndReadTheirWeightOnce) {
  const TwoSequences two;
  CountOps ops(kHalves, always_int8);
  ops.begin(two.batch);
  const Tensor x = {nullptr, 6, 16, 16};
  const Tensor y = ops.linear(x, linear(32, 16));
  EXPECT_EQ(y.rows, 6);
  EXPECT_EQ(y.cols, 32);
  EXPECT_EQ(ops.work().linear[static_cast<size_t>(MultiplyKind::kInt8)], 2 * 6 * 16 * 32);
  EXPECT_EQ(ops.work().bytes, 1000);
  ops.linear(ops.take_logit_rows(x), linear(100, 16));
  EXPECT_EQ(ops.work().operations(), 2 * 6 * 16 * 32 + 2 * 2 * 16 * 100);
  EXPECT_EQ(ops.work().bytes, 2000);
}

TEST(CountOps, LogitsAreMultipliedAsDecodingIs) {
  TwoSequences two;
  for (Segment& segment : two.segments) segment.phase = Phase::kPrefill;
  CountOps ops(kHalves, [](const Weight&, Phase phase) {
    return phase == Phase::kPrefill ? MultiplyKind::kBf16 : MultiplyKind::kInt8;
  });
  ops.begin(two.batch);
  const Tensor x = {nullptr, 6, 16, 16};
  ops.linear(x, linear(32, 16));
  ops.linear(ops.take_logit_rows(x), linear(100, 16));
  EXPECT_EQ(ops.work().linear[static_cast<size_t>(MultiplyKind::kBf16)], 2 * 6 * 16 * 32);
  EXPECT_EQ(ops.work().linear[static_cast<size_t>(MultiplyKind::kInt8)], 2 * 2 * 16 * 100);
}

TEST(CountOps, AGatedMlpIsItsTwoProducts) {
  const TwoSequences two;
  CountOps ops(kHalves, always_int8);
  ops.begin(two.batch);
  const Tensor x = {nullptr, 6, 16, 16};
  ops.gated_mlp_add(x, linear(80, 16), linear(16, 40), Activation::kSilu, x);
  EXPECT_EQ(ops.work().operations(), 2 * 6 * (16 * 80 + 40 * 16));
}

TEST(CountOps, AttentionSeesWhatStandsBeforeEachRow) {
  const TwoSequences two;
  CountOps ops(kHalves, always_int8);
  ops.begin(two.batch);
  const AttentionSpec spec = {.n_heads = 4, .n_kv_heads = 2, .head_dim = 8};
  ops.attention({nullptr, 6, 64, 64}, spec, 0);
  // Rows at 7 to 11 see 8 to 12 keys, the one at 2 sees 3. Each key: a dot and a sum of head_dim.
  EXPECT_EQ(ops.work().attention, 2 * 2 * (8 + 9 + 10 + 11 + 12 + 3) * 4 * 8);
  // Keys and values of 12 and 3 positions, 2 bytes each, shared by the rows and the query heads.
  EXPECT_EQ(ops.work().bytes, 2 * (12 + 3) * 2 * 8 * 2);
}

TEST(CountOps, AWindowBoundsWhatAttentionSees) {
  const TwoSequences two;
  CountOps ops(kHalves, always_int8);
  ops.begin(two.batch);
  const AttentionSpec spec = {.n_heads = 4, .n_kv_heads = 2, .head_dim = 8, .window = 4};
  ops.attention({nullptr, 6, 64, 64}, spec, 0);
  EXPECT_EQ(ops.work().attention, 2 * 2 * (5 * 4 + 3) * 4 * 8);
  EXPECT_EQ(ops.work().bytes, 2 * (8 + 3) * 2 * 8 * 2);  // positions 4 to 11, and 0 to 2
}

TEST(CountOps, MainKindIsThatOfMostLinearOperations) {
  Work work;
  EXPECT_EQ(work.main_kind(), MultiplyKind::kF32);
  work.attention = 1e9;
  work.linear[static_cast<size_t>(MultiplyKind::kBf16)] = 5;
  work.linear[static_cast<size_t>(MultiplyKind::kInt8)] = 4;
  EXPECT_EQ(work.main_kind(), MultiplyKind::kBf16);
}

}  // namespace
}  // namespace overtake
