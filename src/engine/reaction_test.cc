// Reactions of the golden models.
#include "engine/reaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <string>

#include "engine/trace.h"
#include "model/arch.h"
#include "model/convert.h"
#include "model/quantize/quantize.h"

namespace overtake {
namespace {

std::vector<int32_t> some_ids() {
  std::vector<int32_t> ids(40);
  std::iota(ids.begin(), ids.end(), 3);
  return ids;
}

class ReactionOfGolden : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Architectures, ReactionOfGolden,
                         testing::Values("llama2-gqa", "llama-tied", "falcon-7b", "falcon-40b",
                                         "falcon-mamba", "falcon-h1"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_P(ReactionOfGolden, IsThereForEveryMatrix) {
  const auto checkpoint =
      open_checkpoint(std::string(OVERTAKE_TEST_DATA_DIR "/golden/") + GetParam()).value();
  const auto plan = plan_gguf(*checkpoint).value();
  ThreadPool pool(2);
  const auto backend = make_cpu_backend(pool, Isa::kScalar);
  auto matrices = measure_errors(*checkpoint, plan, {}, pool).value();
  ReactionOptions options{.pool = pool, .backend = *backend, .progress = {}};
  options.chunk = 20;
  const Status done = measure_reactions(*checkpoint, plan, some_ids(), options, matrices);
  ASSERT_TRUE(done.ok()) << done.error().message;
  for (const MatrixSensitivity& matrix : matrices) {
    if (matrix.types.size() == 1) continue;
    EXPECT_GT(matrix.reaction, 0) << plan.tensors()[matrix.tensor].name;
    EXPECT_TRUE(std::isfinite(matrix.reaction)) << plan.tensors()[matrix.tensor].name;
  }
}

// What a model answers to `ids`, in log probabilities.
std::vector<double> answers(const Checkpoint& checkpoint, std::span<const int32_t> ids,
                            Backend& backend) {
  const auto model = load_model(checkpoint, backend).value();
  const auto ops = backend.make_ops();
  std::vector<double> out;
  const Status done = trace_prompt(*model, *ops, ids, [&](int64_t, Tensor logits) {
    for (int64_t i = 0; i < logits.rows; ++i) {
      double sum = 0;
      for (const float x : logits.row_span(i)) sum += std::exp(double{x});
      for (const float x : logits.row_span(i)) out.push_back(double{x} - std::log(sum));
    }
  });
  EXPECT_TRUE(done.ok());
  return out;
}

// The reaction again, by files that have one matrix quantized.
TEST(Reaction, IsThatOfAFileWithOneMatrixQuantized) {
  const auto checkpoint = open_checkpoint(OVERTAKE_TEST_DATA_DIR "/golden/llama-tied").value();
  const auto plan = plan_gguf(*checkpoint).value();
  ThreadPool pool(2);
  const auto backend = make_cpu_backend(pool, Isa::kScalar);
  auto matrices = measure_errors(*checkpoint, plan, {}, pool).value();
  // One type alone is the one that is tried.
  for (MatrixSensitivity& matrix : matrices) {
    std::erase_if(matrix.types, [](const TypeError& one) { return one.type->name != "Q4_0"; });
  }
  const std::vector<int32_t> ids = some_ids();
  ReactionOptions options{.pool = pool, .backend = *backend, .progress = {}};
  options.chunk = 40;
  ASSERT_TRUE(measure_reactions(*checkpoint, plan, ids, options, matrices).ok());
  const std::vector<double> expected = answers(*checkpoint, ids, *backend);
  const std::string small = testing::TempDir() + "reaction_small.gguf";
  const std::string exact = testing::TempDir() + "reaction_exact.gguf";
  const QuantType* f32 = find_quant_type("F32");
  const std::vector<const QuantType*> floats(plan.tensors().size(), f32);
  for (const size_t i : {size_t{0}, size_t{2}, matrices.size() - 1}) {
    if (matrices[i].types.empty()) continue;
    std::vector<const QuantType*> types = floats;
    types[matrices[i].tensor] = matrices[i].types.front().type;
    const QuantizeOptions one{.types = types, .overwrite = true, .progress = {}};
    ASSERT_TRUE(quantize_gguf(*checkpoint, plan, small, one, pool).ok());
    // Back to F32, so that no kernel rounds its input.
    const auto quantized = open_checkpoint(small).value();
    const auto again = plan_gguf(*quantized).value();
    const QuantizeOptions back{.types = floats, .overwrite = true, .progress = {}};
    ASSERT_TRUE(quantize_gguf(*quantized, again, exact, back, pool).ok());
    const std::vector<double> actual = answers(*open_checkpoint(exact).value(), ids, *backend);
    ASSERT_EQ(actual.size(), expected.size());
    double sum = 0;
    for (size_t k = 0; k < actual.size(); ++k) {
      sum += std::exp(expected[k]) * (expected[k] - actual[k]);
    }
    const double reaction = sum / static_cast<double>(ids.size()) / matrices[i].types.front().error;
    EXPECT_NEAR(matrices[i].reaction, reaction, 0.01 * reaction)
        << plan.tensors()[matrices[i].tensor].name;
  }
  std::filesystem::remove(small);
  std::filesystem::remove(exact);
}

TEST(Reaction, NeedsText) {
  const auto checkpoint = open_checkpoint(OVERTAKE_TEST_DATA_DIR "/golden/llama2-gqa").value();
  const auto plan = plan_gguf(*checkpoint).value();
  ThreadPool pool(1);
  const auto backend = make_cpu_backend(pool, Isa::kScalar);
  const ReactionOptions options{.pool = pool, .backend = *backend, .progress = {}};
  EXPECT_EQ(measure_reactions(*checkpoint, plan, {}, options, {}).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace overtake
