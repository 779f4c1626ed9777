// Recurrent state behind SequenceState: forks, checkpoints, and what can be gone back to.
#include "tensor/recurrent_state.h"

#include "tensor/sequence_state.h"

namespace overtake {
namespace {

constexpr RecurrentShape kRecurrent = {
    .n_layers = 2, .conv_rows = 3, .conv_channels = 5, .n_blocks = 2, .d_state = 4};
constexpr KvShape kPages = {.n_layers = 1, .n_kv_heads = 1, .head_dim = 2, .type = KvType::kF32};

// Reads one token: the state becomes `value`.
void read(SequenceState& state, float value) {
  ASSERT_TRUE(state.reserve(1).ok());
  state.scan_state(1)[0] = value;
  state.commit(1);
}

float value_of(const SequenceState& state) { return state.scan_state(1)[0]; }

TEST(RecurrentShape, LaysPartsOutAtCacheLines) {
  EXPECT_EQ(kRecurrent.conv_floats(), 16);
  EXPECT_EQ(kRecurrent.scan_floats(), 2 * 4 * 16);
  EXPECT_EQ(kRecurrent.bytes(), 2 * (16 + 128) * sizeof(float));
  EXPECT_EQ(RecurrentShape().bytes(), 0u);
  EXPECT_EQ(channel_blocks(3, 16), 3);
  EXPECT_EQ(channel_blocks(3, 17), 6);
}

TEST(RecurrentShape, ChannelsLieInBlocksOf16) {
  std::vector<float> rows(20 * 3);  // 20 channels of 3 dimensions
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i + 1);
  const std::vector<float> blocks = in_channel_blocks(rows, 3);
  ASSERT_EQ(blocks.size(), 2u * 3 * 16);
  for (size_t c = 0; c < 20; ++c) {
    for (size_t n = 0; n < 3; ++n) {
      EXPECT_EQ(blocks[(c / 16 * 3 + n) * 16 + c % 16], rows[c * 3 + n]);
    }
  }
  EXPECT_EQ(blocks[(3 + 2) * 16 + 4], 0.0f);  // channel 20 does not exist
}

TEST(RecurrentState, TakesOneSlotASequenceWhateverItsLength) {
  StatePool pool({}, 0, kRecurrent, 2);
  SequenceState a(pool), b(pool), c(pool);
  for (int i = 0; i < 100; ++i) read(a, static_cast<float>(i));
  read(b, 1);
  EXPECT_EQ(a.n_tokens(), 100);
  EXPECT_EQ(pool.recurrent().free_slots(), 0);
  const Status status = c.reserve(1);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kExhausted);
  b.truncate(0);
  EXPECT_TRUE(c.reserve(1).ok());
}

TEST(RecurrentState, GoesBackToWhereItIsToCheckpointsAndToZeroOnly) {
  StatePool pool(kPages, 8, kRecurrent, 4);
  SequenceState state(pool);
  for (int i = 1; i <= 40; ++i) read(state, static_cast<float>(i));
  ASSERT_TRUE(state.checkpoint().ok());
  ASSERT_TRUE(state.checkpoint().ok());  // there is one already
  EXPECT_EQ(state.n_checkpoints(), 1);
  for (int i = 41; i <= 70; ++i) read(state, static_cast<float>(i));
  EXPECT_EQ(state.restorable(100), 70);
  EXPECT_EQ(state.restorable(70), 70);
  EXPECT_EQ(state.restorable(69), 40);
  EXPECT_EQ(state.restorable(40), 40);
  EXPECT_EQ(state.restorable(39), 0);
  state.truncate(70);
  EXPECT_EQ(value_of(state), 70);
  state.truncate(40);
  EXPECT_EQ(value_of(state), 40);
  EXPECT_EQ(state.n_tokens(), 40);
  read(state, -1);
  EXPECT_EQ(value_of(state), -1);
  state.truncate(40);  // the checkpoint is still there
  EXPECT_EQ(value_of(state), 40);
  EXPECT_EQ(pool.free_pages(), 6);
  state.truncate(0);
  EXPECT_EQ(state.n_checkpoints(), 0);
  EXPECT_EQ(pool.recurrent().free_slots(), 4);
  EXPECT_EQ(pool.free_pages(), 8);
}

TEST(RecurrentState, KeysAndValuesAloneGoBackAnywhere) {
  StatePool pool(kPages, 8);
  SequenceState state(pool);
  ASSERT_TRUE(state.reserve(50).ok());
  state.commit(50);
  EXPECT_EQ(state.restorable(17), 17);
  EXPECT_TRUE(state.checkpoint().ok());
  EXPECT_EQ(state.n_checkpoints(), 0);
}

TEST(RecurrentState, ForksShareUntilOneWrites) {
  StatePool pool({}, 0, kRecurrent, 3);
  SequenceState parent(pool);
  read(parent, 1);
  ASSERT_TRUE(parent.checkpoint().ok());
  SequenceState fork = parent.fork();
  EXPECT_EQ(pool.recurrent().free_slots(), 1);
  read(fork, 2);
  EXPECT_EQ(pool.recurrent().free_slots(), 0);
  EXPECT_EQ(value_of(parent), 1);
  EXPECT_EQ(value_of(fork), 2);
  read(parent, 3);  // the last holder writes in place
  EXPECT_EQ(value_of(fork), 2);
  fork.truncate(1);
  EXPECT_EQ(value_of(fork), 1);
  parent.drop_checkpoints();
  EXPECT_EQ(parent.restorable(1), 0);
  EXPECT_EQ(fork.restorable(1), 1);
}

TEST(RecurrentState, AFullPoolRefusesACheckpointAndNothingElseChanges) {
  StatePool pool({}, 0, kRecurrent, 1);
  SequenceState state(pool);
  read(state, 1);
  EXPECT_FALSE(state.checkpoint().ok());
  read(state, 2);
  EXPECT_EQ(state.restorable(1), 0);
  EXPECT_EQ(value_of(state), 2);
}

TEST(RecurrentState, MovesCarryIt) {
  StatePool pool({}, 0, kRecurrent, 2);
  SequenceState a(pool);
  read(a, 1);
  ASSERT_TRUE(a.checkpoint().ok());
  read(a, 2);
  SequenceState b(std::move(a));
  EXPECT_EQ(value_of(b), 2);
  SequenceState c(pool);
  c = std::move(b);
  c.truncate(1);
  EXPECT_EQ(value_of(c), 1);
}

}  // namespace
}  // namespace overtake
