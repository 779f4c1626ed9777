#include "wire/json_answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace overtake::wire {
namespace {

using ::testing::HasSubstr;

// Says each document's "t"; {"t": "."} is the last.
class Echo : public JsonAnswerReader {
 public:
  explicit Echo(AnswerFraming framing) : JsonAnswerReader(framing, "echoes") {}

 private:
  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override {
    out->push_back(TextEvent{std::string(name) + json.value("t", "?"), {}});
    if (json.value("t", "") == ".") close();
    return {};
  }
  Status end(std::vector<Event>*) override { return damaged("no last one"); }
};

std::string read(AnswerFraming framing, std::string_view bytes, size_t piece) {
  Echo reader(framing);
  std::vector<Event> events;
  Status status;
  for (size_t at = 0; at < bytes.size() && status.ok(); at += piece) {
    status = reader.feed(bytes.substr(at, piece), &events);
  }
  if (status.ok()) status = reader.finish(&events);
  std::string out;
  for (const Event& event : events) out += std::get<TextEvent>(event).text + "|";
  return status.ok() ? out : out + status.error().message;
}

TEST(JsonAnswerReader, FindsTheDocumentsInPiecesOfAnySize) {
  for (size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(
        read(AnswerFraming::kLines, "{\"t\":\"a\"}\n\r\n{\"t\":\"b\"}\r\n{\"t\":\".\"}", piece),
        "a|b|.|");
    EXPECT_EQ(
        read(AnswerFraming::kEvents,
             "event: x\ndata: {\"t\":\"a\"}\n\ndata: {\"t\":\".\"}\n\ndata: behind\n\n", piece),
        "xa|.|");
    EXPECT_EQ(read(AnswerFraming::kWhole, "{\"t\":\n\".\"}\n", piece), ".|");
  }
}

TEST(JsonAnswerReader, TakesNoPartForTheWhole) {
  EXPECT_THAT(read(AnswerFraming::kLines, "{\"t\":\"a\"}\n{\"t\":", 5), HasSubstr("no JSON"));
  EXPECT_THAT(read(AnswerFraming::kLines, "{\"t\":\"a\"}\n", 5), HasSubstr("a|no last one"));
  EXPECT_THAT(read(AnswerFraming::kEvents, "data: {\"t\":\"a\"}\n\ndata: {", 5),
              HasSubstr("ended within an event"));
  EXPECT_THAT(read(AnswerFraming::kEvents, "data: {\"t\":\"a\"}\n\n", 5), HasSubstr("no last one"));
  EXPECT_THAT(read(AnswerFraming::kWhole, "{\"t\":", 5), HasSubstr("no whole JSON"));
  EXPECT_THAT(read(AnswerFraming::kWhole, "", 5), HasSubstr("no whole JSON"));
}

TEST(JsonAnswerReader, BoundsALineThatDoesNotEnd) {
  Echo reader(AnswerFraming::kLines);
  std::vector<Event> events;
  const std::string piece(1 << 20, ' ');
  Status status;
  for (int i = 0; i < 20 && status.ok(); ++i) status = reader.feed(piece, &events);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("longer than any should be"));
}

}  // namespace
}  // namespace overtake::wire
