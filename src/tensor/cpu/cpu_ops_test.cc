// The CPU's Ops against double precision, and that steps of a size seen before allocate nothing.
#include "tensor/cpu/cpu_ops.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>
#include <random>

#include "tensor/cpu/allocation_count_test.h"

namespace overtake {
namespace {

// A float32 matrix as a file holds it.
struct StoredMatrix {
  StoredMatrix(int64_t rows, int64_t cols, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(cols)));
    values.resize(static_cast<size_t>(rows * cols));
    for (float& value : values) value = normal(random);
    stored = {"matrix", find_quant_type("F32"), {rows, cols}, std::as_bytes(std::span(values))};
  }
  StoredMatrix(const StoredMatrix&) = delete;

  std::vector<float> values;
  StoredTensor stored;
};

class CpuOpsTest : public testing::TestWithParam<Isa> {
 protected:
  CpuOpsTest() : backend_(make_cpu_backend(pool_, GetParam())), ops_(backend_->make_ops()) {}

  Linear pack(const StoredMatrix& matrix) {
    const RowSpan rows = {&matrix.stored, 0, matrix.stored.n_rows()};
    auto weight = backend_->pack({&rows, 1});
    EXPECT_TRUE(weight.ok());
    return {std::move(*weight), {}};
  }

  // Rows that begin() knows of, without state: for what is not attention.
  void begin(int64_t n_rows, Phase phase = Phase::kDecode) {
    ids_.resize(static_cast<size_t>(n_rows));
    for (int64_t i = 0; i < n_rows; ++i) ids_[static_cast<size_t>(i)] = static_cast<int32_t>(i % 5);
    positions_.assign(ids_.size(), 0);
    segment_ = {nullptr, 0, n_rows, n_rows, phase};
    batch_ = {ids_, positions_, {&segment_, 1}, logit_rows_};
    ops_->begin(batch_);
  }

  ThreadPool pool_{2};
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Ops> ops_;
  std::vector<int32_t> ids_, logit_rows_;
  std::vector<int64_t> positions_;
  Segment segment_{};
  Batch batch_;
};

TEST_P(CpuOpsTest, EmbedTakesTheRowsOfTheIdsTimesTheMultiplier) {
  const StoredMatrix table(5, 37, 1);
  for (const float multiplier : {1.0f, 0.5f}) {
    begin(700);
    const Tensor x = ops_->embed(table.stored, multiplier);
    ASSERT_EQ(x.rows, 700);
    ASSERT_EQ(x.cols, 37);
    for (int64_t i = 0; i < x.rows; ++i) {
      for (int64_t j = 0; j < x.cols; ++j) {
        ASSERT_EQ(x.row(i)[j], table.values[static_cast<size_t>(i % 5 * 37 + j)] * multiplier);
      }
    }
  }
}

TEST_P(CpuOpsTest, NormsManyRowsAsItNormsOne) {
  const StoredMatrix table(5, 300, 1);
  Norm norm;
  norm.weight.assign(300, 1.5f);
  for (const Norm::Kind kind : {Norm::Kind::kRms, Norm::Kind::kLayer}) {
    norm.kind = kind;
    begin(1);
    const Tensor one = ops_->norm(ops_->embed(table.stored, 1), norm);
    const std::vector<float> alone(one.row(0), one.row(0) + 300);
    begin(400);
    const Tensor many = ops_->norm(ops_->embed(table.stored, 1), norm);
    for (int64_t i = 0; i < 400; i += 5) {
      ASSERT_EQ(std::memcmp(many.row(i), alone.data(), 300 * sizeof(float)), 0) << i;
    }
  }
}

double activation_of(Activation activation, double x) {
  if (activation == Activation::kSilu) return x / (1 + std::exp(-x));
  if (activation == Activation::kGelu) return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

std::vector<double> product(const StoredMatrix& matrix, std::span<const double> x) {
  const size_t n_in = x.size();
  std::vector<double> out(matrix.values.size() / n_in);
  for (size_t i = 0; i < out.size(); ++i) {
    for (size_t j = 0; j < n_in; ++j) out[i] += matrix.values[i * n_in + j] * x[j];
  }
  return out;
}

TEST_P(CpuOpsTest, MlpsMatchDouble) {
  constexpr int64_t kWidth = 48, kHidden = 96;
  const StoredMatrix table(5, kWidth, 1), gate_up(2 * kHidden, kWidth, 2), up(kHidden, kWidth, 3),
      down(kWidth, kHidden, 4);
  const Linear packed_gate_up = pack(gate_up), packed_up = pack(up), packed_down = pack(down);
  for (const Activation activation :
       {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh}) {
    for (const int64_t n_rows : {1, 7, 90}) {
      begin(n_rows);
      const Tensor x = ops_->embed(table.stored, 1);
      const Tensor gated = ops_->embed(table.stored, 1), plain = ops_->embed(table.stored, 1);
      ops_->gated_mlp_add(x, packed_gate_up, packed_down, activation, gated);
      ops_->mlp_add(x, packed_up, packed_down, activation, plain);
      for (int64_t i = 0; i < n_rows; ++i) {
        const std::vector<double> input(x.row(i), x.row(i) + kWidth);
        const std::vector<double> both = product(gate_up, input);
        std::vector<double> hidden = product(up, input), mixed(kHidden);
        for (size_t j = 0; j < kHidden; ++j) {
          mixed[j] = activation_of(activation, both[j]) * both[kHidden + j];
          hidden[j] = activation_of(activation, hidden[j]);
        }
        const std::vector<double> want_gated = product(down, mixed);
        const std::vector<double> want_plain = product(down, hidden);
        for (size_t j = 0; j < kWidth; ++j) {
          ASSERT_NEAR(gated.row(i)[j], input[j] + want_gated[j], 2e-6);
          ASSERT_NEAR(plain.row(i)[j], input[j] + want_plain[j], 2e-6);
        }
      }
    }
  }
}

TEST_P(CpuOpsTest, TakesTheLogitRowsInTheirOrder) {
  const StoredMatrix table(5, 20, 1);
  logit_rows_ = {0, 3, 9};
  begin(10);
  const Tensor x = ops_->embed(table.stored, 1);
  const Tensor taken = ops_->take_logit_rows(x);
  ASSERT_EQ(taken.rows, 3);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(std::memcmp(taken.row(i), x.row(logit_rows_[static_cast<size_t>(i)]), 80), 0);
  }
}

TEST_P(CpuOpsTest, ALayersMemoryServesTheNextLayer) {
  const StoredMatrix table(5, 1000, 1);
  Norm norm;
  norm.weight.assign(1000, 1);
  begin(3);
  const Tensor h = ops_->embed(table.stored, 1);
  const size_t mark = ops_->mark();
  const float* first = ops_->norm(h, norm).data;
  ops_->release(mark);
  EXPECT_EQ(ops_->norm(h, norm).data, first);
  EXPECT_NE(first, h.data);
}

// Two layers of a small decoder, prefill and decode.
class DecoderTest : public CpuOpsTest {
 protected:
  static constexpr int kWidth = 64, kHeads = 4, kKvHeads = 2, kHeadDim = 16;

  DecoderTest() {
    norm_.weight.assign(kWidth, 1);
    rope_.n_dims = kHeadDim;
    for (int j = 0; j < kHeadDim / 2; ++j) rope_.inv_freq.push_back(std::exp2(-j));
    rope_.dynamic = {.theta = 10000, .factor = 2, .original_context = 32};
    spec_ = {.n_heads = kHeads,
             .n_kv_heads = kKvHeads,
             .head_dim = kHeadDim,
             .scale = 0.25f,
             .rope = &rope_};
  }

  void step(SequenceState& state, int64_t n_tokens) {
    for (int64_t i = 0; i < n_tokens; ++i) {
      step_ids_[static_cast<size_t>(i)] = static_cast<int32_t>(i % 5);
      step_positions_[static_cast<size_t>(i)] = state.n_tokens() + i;
    }
    const size_t n = static_cast<size_t>(n_tokens);
    const Segment segment = {&state, 0, n_tokens, state.n_tokens() + n_tokens};
    const int32_t last = static_cast<int32_t>(n_tokens - 1);
    const Batch batch = {std::span(step_ids_).first(n),
                         std::span(step_positions_).first(n),
                         {&segment, 1},
                         {&last, 1}};
    ops_->begin(batch);
    const Tensor h = ops_->embed(table_.stored, 1);
    const size_t mark = ops_->mark();
    for (int layer = 0; layer < 2; ++layer) {
      const Tensor qkv = ops_->linear(ops_->norm(h, norm_), qkv_);
      ops_->linear_add(ops_->attention(qkv, spec_, layer), out_, h);
      ops_->gated_mlp_add(ops_->norm(h, norm_), gate_up_, down_, Activation::kSilu, h);
      ops_->release(mark);
    }
    ops_->linear(ops_->take_logit_rows(h), head_);
    state.commit(n_tokens);
  }

  StoredMatrix table_{5, kWidth, 1};
  Linear qkv_ = pack(StoredMatrix((kHeads + 2 * kKvHeads) * kHeadDim, kWidth, 2));
  Linear out_ = pack(StoredMatrix(kWidth, kWidth, 3));
  Linear gate_up_ = pack(StoredMatrix(320, kWidth, 4));
  Linear down_ = pack(StoredMatrix(kWidth, 160, 5));
  Linear head_ = pack(StoredMatrix(1000, kWidth, 6));
  Norm norm_;
  Rope rope_;
  AttentionSpec spec_;
  std::vector<int32_t> step_ids_ = std::vector<int32_t>(256);
  int64_t allocated_ = 0;
  std::vector<int64_t> step_positions_ = std::vector<int64_t>(256);
};

TEST_P(DecoderTest, AllocatesNothingOnceWarm) {
  StatePool pages({2, kKvHeads, kHeadDim, KvType::kF16}, 64);
  SequenceState state(pages);
  const auto reserved_step = [&](int64_t n_tokens) {
    ASSERT_TRUE(state.reserve(n_tokens).ok());
    const int64_t before = allocation_count();
    step(state, n_tokens);
    allocated_ = allocation_count() - before;
  };
  reserved_step(200);
  reserved_step(1);
  state.truncate(0);
  reserved_step(200);
  EXPECT_EQ(allocated_, 0) << "a prompt as long as one before";
  for (int i = 0; i < 700; ++i) {  // over page and span borders
    reserved_step(1);
    ASSERT_EQ(allocated_, 0) << "token " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuOpsTest, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });
INSTANTIATE_TEST_SUITE_P(Isa, DecoderTest, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

}  // namespace
}  // namespace overtake
