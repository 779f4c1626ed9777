#include "tensor/sequence_state.h"

#include <cstring>

namespace overtake {
namespace {

constexpr KvShape kShape = {.n_layers = 2, .n_kv_heads = 3, .head_dim = 4, .type = KvType::kF32};

// Marks the slot of a token in the first key row of layer 0, and reads it back.
float& slot(const SequenceState& state, int64_t position) {
  return reinterpret_cast<float*>(state.page(position))[position % kPageTokens];
}

void append(SequenceState& state, int64_t count, float mark) {
  ASSERT_TRUE(state.reserve(count).ok());
  for (int64_t i = 0; i < count; ++i) slot(state, state.n_tokens() + i) = mark;
  state.commit(count);
}

TEST(KvShape, LaysLayersOutOneAfterAnother) {
  EXPECT_EQ(kShape.plane_bytes(), 3u * 4 * 32 * 4);
  EXPECT_EQ(kShape.key_offset(0), 0u);
  EXPECT_EQ(kShape.value_offset(0), kShape.plane_bytes());
  EXPECT_EQ(kShape.key_offset(1), 2 * kShape.plane_bytes());
  EXPECT_EQ(kShape.page_bytes(), 4 * kShape.plane_bytes());
  const KvShape half = {2, 3, 4, KvType::kF16};
  EXPECT_EQ(2 * half.page_bytes(), kShape.page_bytes());
  // 34 bytes for 32 numbers; head sizes that are no multiple of 16 are padded.
  const KvShape eighth = {2, 3, 64, KvType::kQ8_0};
  EXPECT_EQ(eighth.page_bytes(), 2u * 2 * 3 * 32 * 64 * 34 / 32);
  EXPECT_EQ((KvShape{1, 1, 48, KvType::kQ8_0}.page_bytes()), 2u * 32 * (48 + 2 * 2));
  EXPECT_EQ((KvShape{1, 1, 20, KvType::kQ8_0}.page_bytes()), 2u * 32 * (32 + 2));
}

TEST(KvType, IsFoundByItsName) {
  for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0}) {
    EXPECT_EQ(find_kv_type(kv_type_name(type)), type);
  }
  EXPECT_FALSE(find_kv_type("q4_0"));
}

TEST(SequenceState, NewPagesAreFinite) {
  StatePool pool(kShape, 1);
  SequenceState state(pool);
  ASSERT_TRUE(state.reserve(1).ok());
  const float* values = reinterpret_cast<const float*>(state.page(0));
  for (size_t i = 0; i < kShape.page_bytes() / sizeof(float); ++i) EXPECT_EQ(values[i], 0.0f);
}

TEST(SequenceState, TakesAPageForEvery32TokensAndGivesThemBack) {
  StatePool pool(kShape, 5);
  {
    SequenceState state(pool);
    append(state, 32, 1);
    EXPECT_EQ(pool.free_pages(), 4);
    append(state, 1, 2);
    EXPECT_EQ(pool.free_pages(), 3);
    append(state, 63, 3);
    EXPECT_EQ(pool.free_pages(), 2);
    EXPECT_EQ(slot(state, 31), 1);
    EXPECT_EQ(slot(state, 32), 2);
    EXPECT_EQ(slot(state, 95), 3);
    state.truncate(32);
    EXPECT_EQ(pool.free_pages(), 4);
    EXPECT_EQ(state.n_tokens(), 32);
  }
  EXPECT_EQ(pool.free_pages(), 5);
}

TEST(SequenceState, ReservingTwiceTakesNothingMore) {
  StatePool pool(kShape, 3);
  SequenceState state(pool);
  ASSERT_TRUE(state.reserve(40).ok());
  ASSERT_TRUE(state.reserve(40).ok());
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(state.n_tokens(), 0);
}

TEST(SequenceState, AFailedReserveLeavesThingsUnchanged) {
  StatePool pool(kShape, 3);
  SequenceState state(pool);
  append(state, 40, 7);
  const Status status = state.reserve(100);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(state.n_tokens(), 40);
  EXPECT_EQ(slot(state, 39), 7);
  append(state, 56, 8);
  EXPECT_EQ(slot(state, 95), 8);
}

TEST(SequenceState, ForksShareFullPagesAndCopyThePartialOneOnWrite) {
  StatePool pool(kShape, 4);
  SequenceState parent(pool);
  append(parent, 40, 1);
  SequenceState fork = parent.fork();
  EXPECT_EQ(pool.free_pages(), 2);
  EXPECT_EQ(fork.page(0), parent.page(0));
  EXPECT_EQ(fork.page(39), parent.page(39));
  append(fork, 1, 2);
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(fork.page(0), parent.page(0));
  EXPECT_NE(fork.page(39), parent.page(39));
  append(parent, 1, 3);  // the last holder writes in place
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(slot(fork, 39), 1);
  EXPECT_EQ(slot(fork, 40), 2);
  EXPECT_EQ(slot(parent, 40), 3);
}

TEST(SequenceState, AForkThatCannotCopyIsLeftAsItWas) {
  StatePool pool(kShape, 2);
  SequenceState parent(pool);
  append(parent, 40, 1);
  SequenceState fork = parent.fork();
  EXPECT_FALSE(fork.reserve(1).ok());
  EXPECT_EQ(fork.page(39), parent.page(39));
  parent.truncate(0);
  EXPECT_EQ(pool.free_pages(), 0);
  append(fork, 1, 2);
  EXPECT_EQ(slot(fork, 39), 1);
}

TEST(SequenceState, TruncatingIntoASharedPageCopiesItOnTheNextWrite) {
  StatePool pool(kShape, 4);
  SequenceState parent(pool);
  append(parent, 64, 1);
  SequenceState fork = parent.fork();
  fork.truncate(50);
  append(fork, 14, 2);
  EXPECT_EQ(slot(parent, 50), 1);
  EXPECT_EQ(slot(fork, 49), 1);
  EXPECT_EQ(slot(fork, 50), 2);
  EXPECT_EQ(pool.free_pages(), 1);
}

TEST(SequenceState, AFullPageIsNeverCopied) {
  StatePool pool(kShape, 3);
  SequenceState parent(pool);
  append(parent, 32, 1);
  SequenceState fork = parent.fork();
  append(fork, 1, 2);
  EXPECT_EQ(fork.page(0), parent.page(0));
  EXPECT_EQ(pool.free_pages(), 1);
}

TEST(SequenceState, MovesCarryTheirPages) {
  StatePool pool(kShape, 4);
  SequenceState a(pool);
  append(a, 40, 1);
  SequenceState b = std::move(a);
  EXPECT_EQ(b.n_tokens(), 40);
  SequenceState c(pool);
  append(c, 3, 2);
  c = std::move(b);
  EXPECT_EQ(c.n_tokens(), 40);
  EXPECT_EQ(slot(c, 0), 1);
  b.truncate(0);  // what a move left behind may still be emptied
  EXPECT_EQ(pool.free_pages(), 2);
}

}  // namespace
}  // namespace overtake
