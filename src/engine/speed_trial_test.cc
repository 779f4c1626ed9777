// What is timed is what was asked for, and the work behind it is that of the model's shapes.
#include "engine/speed_trial.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

std::unique_ptr<LocalModel> load(const std::string& name) {
  auto model = LocalModel::load(
      {.path = OVERTAKE_TEST_DATA_DIR "/golden/" + name, .name = name, .n_threads = 1});
  EXPECT_TRUE(model.ok()) << model.error().message;
  return std::move(model).value();
}

TEST(SpeedTrial, FindsTheDepthAgainAndCountsWhatWasReadAndWritten) {
  const auto model = load("llama2-gqa");
  auto trial =
      SpeedTrial::make(*model, {.n_prompt = 50, .n_decode = 7, .depth = 45, .n_sequences = 3});
  ASSERT_TRUE(trial.ok()) << trial.error().message;
  ASSERT_TRUE((*trial)->fill().ok());
  for (int repetition = 0; repetition < 3; ++repetition) {
    const auto prefill = (*trial)->prefill();
    ASSERT_TRUE(prefill.ok()) << prefill.error().message;
    EXPECT_EQ(prefill->n_cached, 45);
    EXPECT_EQ(prefill->n_tokens, 3 * 50);
    EXPECT_GT(prefill->seconds, 0);
    const auto decode = (*trial)->decode();
    ASSERT_TRUE(decode.ok()) << decode.error().message;
    EXPECT_EQ(decode->n_cached, 45);
    EXPECT_EQ(decode->n_tokens, 3 * 7);
    EXPECT_GT(decode->seconds, 0);
  }
}

TEST(SpeedTrial, KeepsNothingWithoutDepth) {
  const auto model = load("falcon-h1");
  auto trial = SpeedTrial::make(*model, {.n_prompt = 200, .n_decode = 3});
  ASSERT_TRUE(trial.ok());
  ASSERT_TRUE((*trial)->fill().ok());
  for (int repetition = 0; repetition < 2; ++repetition) {
    const auto prefill = (*trial)->prefill();
    ASSERT_TRUE(prefill.ok()) << prefill.error().message;
    EXPECT_EQ(prefill->n_cached, 0);
    EXPECT_EQ(prefill->n_tokens, 200);
  }
}

TEST(SpeedTrial, RecurrentStateGoesOnFromItsCheckpoint) {
  const auto model = load("falcon-mamba");
  auto trial = SpeedTrial::make(*model, {.n_prompt = 20, .n_decode = 3, .depth = 160});
  ASSERT_TRUE(trial.ok());
  ASSERT_TRUE((*trial)->fill().ok());
  for (int repetition = 0; repetition < 2; ++repetition) {
    const auto prefill = (*trial)->prefill();
    ASSERT_TRUE(prefill.ok()) << prefill.error().message;
    EXPECT_EQ(prefill->n_cached, 160);
    EXPECT_EQ(prefill->n_tokens, 20);
    const auto decode = (*trial)->decode();
    ASSERT_TRUE(decode.ok()) << decode.error().message;
    EXPECT_EQ(decode->n_cached, 160);
  }
}

TEST(SpeedTrial, ContinuesTheSameWayTwice) {
  const auto model = load("llama2-gqa");
  auto trial = SpeedTrial::make(*model, {});
  ASSERT_TRUE(trial.ok());
  const auto prompt = random_tokens(model->model().info().vocab_size, 40, 3);
  const auto first = (*trial)->continue_greedily(prompt, 5);
  const auto again = (*trial)->continue_greedily(prompt, 5);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->size(), 5);
  EXPECT_EQ(*first, *again);
}

TEST(SpeedTrial, RefusesMoreThanTheModelsPositions) {
  const auto model = load("falcon-rw");
  ASSERT_LT(model->model().info().max_positions, 1 << 20);
  const auto trial = SpeedTrial::make(*model, {.depth = 1 << 20});
  ASSERT_FALSE(trial.ok());
  EXPECT_EQ(trial.error().code, ErrorCode::kContextLength);
}

// Llama 2's layers: q, k, v, output; gate, up, down; and the head, for the last row alone.
TEST(SpeedWork, IsThatOfALlamasShapes) {
  const auto model = load("llama2-gqa");
  const auto file = open_checkpoint(model->checkpoint().path());
  ASSERT_TRUE(file.ok()) << file.error().message;
  const Metadata& meta = (*file)->metadata();  // a loaded model has given its own up
  const auto get = [&](const char* key) { return static_cast<double>(meta.get_int(key).value()); };
  const double width = get("hidden_size"), ffn = get("intermediate_size");
  const double kv_width = width * get("num_key_value_heads") / get("num_attention_heads");
  const double layers = get("num_hidden_layers"), head = width * get("vocab_size");
  const double matrices = 2 * width * width + 2 * width * kv_width + 3 * width * ffn;

  const SpeedPlan plan = {.n_prompt = 40, .n_decode = 6, .depth = 64, .n_sequences = 2};
  const Work prefill = prefill_work(*model, plan, 64);
  EXPECT_EQ(prefill.main_kind(), MultiplyKind::kF32);  // as the file's matrices are
  EXPECT_DOUBLE_EQ(prefill.linear[static_cast<size_t>(MultiplyKind::kF32)],
                   2 * 2 * (40 * layers * matrices + head));
  const double keys = 40 * 64 + 40 * 41 / 2;
  EXPECT_DOUBLE_EQ(prefill.attention, 2 * layers * keys * 2 * 2 * width);

  const Work decode = decode_work(*model, plan);
  EXPECT_DOUBLE_EQ(decode.linear[static_cast<size_t>(MultiplyKind::kF32)],
                   2 * 6 * 2 * (layers * matrices + head));
  // Weights once a step for both sequences, each its keys and values, f32, and an embedding row.
  const double kv_bytes = layers * (6 * 65 + 6 * 7 / 2) * 2 * kv_width * 4;
  EXPECT_DOUBLE_EQ(decode.bytes, 6 * static_cast<double>(model->model().info().weight_bytes) +
                                     2 * (kv_bytes + 6 * width * 4));
}

}  // namespace
}  // namespace overtake
