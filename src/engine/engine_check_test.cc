// A broken engine must not be timed: engines are broken here one way at a time.
#include "engine/engine_check.h"

#include <gtest/gtest.h>

#include "engine/local_model.h"
#include "engine/speed_trial.h"
#include "tensor/tap_ops.h"

namespace overtake {
namespace {

std::unique_ptr<LocalModel> load_tiny() {
  auto model = LocalModel::load(
      {.path = OVERTAKE_TEST_DATA_DIR "/golden/llama2-gqa", .name = "tiny", .n_threads = 1});
  EXPECT_TRUE(model.ok()) << model.error().message;
  return std::move(model).value();
}

// Changes what every linear layer gives.
class BrokenOps : public TapOps {
 public:
  BrokenOps(Ops& ops, std::function<void(Tensor)> breaking)
      : TapOps(ops, [](int, Tensor) {}), breaking_(std::move(breaking)) {}
  Tensor linear(Tensor x, const Linear& w) override {
    const Tensor y = TapOps::linear(x, w);
    breaking_(y);
    return y;
  }

 private:
  std::function<void(Tensor)> breaking_;
};

void fill(Tensor y, float value) {
  for (int64_t i = 0; i < y.rows; ++i) std::ranges::fill(y.row_span(i), value);
}

Result<EngineCheck> check_broken(std::function<void(Tensor)> breaking) {
  const auto model = load_tiny();
  const auto ops = model->backend().make_ops();
  BrokenOps broken(*ops, std::move(breaking));
  return check_engine(model->model(), broken,
                      random_tokens(model->model().info().vocab_size, 20, 1));
}

void expect_refused(const Result<EngineCheck>& checked, std::string_view why) {
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kInternal);
  EXPECT_NE(checked.error().message.find(why), std::string::npos) << checked.error().message;
}

TEST(EngineCheck, PassesAWorkingEngine) {
  const auto checked = check_broken([](Tensor) {});
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_LE(checked->mean_kl, kMaxMeanKl);
}

TEST(EngineCheck, RefusesAnEngineThatAnswersDifferentlyEachTime) {
  float noise = 0;
  expect_refused(check_broken([&](Tensor y) { y.row(0)[0] += noise += 1e-3f; }), "two passes");
}

TEST(EngineCheck, RefusesAnEngineThatIsWrongForManyRowsAtOnce) {
  expect_refused(check_broken([](Tensor y) {
                   if (y.rows > 1) y.row(1)[0] += 100;
                 }),
                 "token by token");
}

TEST(EngineCheck, RefusesAnEngineThatIsWrongForOneRow) {
  expect_refused(check_broken([](Tensor y) {
                   if (y.rows == 1) y.row(0)[0] += 100;
                 }),
                 "token by token");
}

TEST(EngineCheck, RefusesNumbersThatAreNone) {
  expect_refused(check_broken([](Tensor y) { fill(y, std::numeric_limits<float>::quiet_NaN()); }),
                 "not a number");
}

TEST(EngineCheck, RefusesLogitsThatSayNothing) {
  expect_refused(check_broken([](Tensor y) { fill(y, 1); }), "do not depend");
}

}  // namespace
}  // namespace overtake
