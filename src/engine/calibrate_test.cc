// Calibration sees every matrix of every architecture.
#include "engine/calibrate.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "model/convert.h"
#include "model/quantize/mix.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {
namespace {

class CalibratedGolden : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Architectures, CalibratedGolden,
                         testing::Values("llama2-gqa", "llama-tied", "falcon-7b", "falcon-40b",
                                         "falcon-mamba", "falcon-h1"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_P(CalibratedGolden, KnowsTheInputsOfEveryMatrix) {
  const auto checkpoint =
      open_checkpoint(std::string(OVERTAKE_TEST_DATA_DIR "/golden/") + GetParam());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto plan = plan_gguf(**checkpoint);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  std::vector<int32_t> ids(40);
  std::iota(ids.begin(), ids.end(), 3);
  ThreadPool pool(2);
  const auto backend = make_cpu_backend(pool, Isa::kScalar);
  const auto importance = calibrate(**checkpoint, *plan, ids, *backend, {.chunk = 16});
  ASSERT_TRUE(importance.ok()) << importance.error().message;
  const std::vector<TensorPlace> places = tensor_places(*plan);
  for (size_t i = 0; i < places.size(); ++i) {
    const PlannedTensor& tensor = plan->tensors()[i];
    if (places[i].role == TensorRole::kFloat || places[i].role == TensorRole::kEmbedding) continue;
    const auto columns = importance->of(tensor.name);
    ASSERT_EQ(static_cast<int64_t>(columns.size()), tensor.shape.back()) << tensor.name;
    EXPECT_GT(std::accumulate(columns.begin(), columns.end(), 0.0), 0) << tensor.name;
  }
}

TEST(Calibration, NeedsText) {
  const auto checkpoint = open_checkpoint(OVERTAKE_TEST_DATA_DIR "/golden/llama2-gqa");
  ASSERT_TRUE(checkpoint.ok());
  const auto plan = plan_gguf(**checkpoint);
  ThreadPool pool(1);
  const auto backend = make_cpu_backend(pool, Isa::kScalar);
  EXPECT_EQ(calibrate(**checkpoint, *plan, {}, *backend, {}).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace overtake
