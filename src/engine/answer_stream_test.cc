// The queue between a model and its reader.
#include <gtest/gtest.h>

#include "engine/generator.h"

namespace overtake {
namespace {

TEST(AnswerStream, CountsWhatWaitsForTheReader) {
  AnswerStream stream;
  EXPECT_EQ(stream.pending_bytes(), 0u);
  const std::string text(1000, 'x');
  // Beyond 64 events texts are joined: what is counted must be what is taken away.
  for (int i = 0; i < 200; ++i) stream.push(TextEvent{text, {TokenLogprob{1, "x", -1, {}}}});
  stream.push(ReasoningEvent{text});
  stream.push(RefusalEvent{text});
  for (int i = 0; i < 3; ++i) stream.push(ToolEvent{0, i == 0 ? "id" : "", "", text});
  stream.push(FinishedEvent{});
  EXPECT_GT(stream.pending_bytes(), 205u * 1000);
  EXPECT_LT(stream.pending_bytes(), 205u * 1000 + 100u * 1000);
  size_t before = stream.pending_bytes();
  for (bool last = false; !last;) {
    const auto event = stream.try_next();
    ASSERT_TRUE(event);
    last = is_last(*event);
    EXPECT_LT(stream.pending_bytes(), before);
    before = stream.pending_bytes();
  }
  EXPECT_EQ(stream.pending_bytes(), 0u);
}

}  // namespace
}  // namespace overtake
