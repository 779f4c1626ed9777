#include "wire/sse_parser.h"

#include <gtest/gtest.h>

namespace overtake::wire {
namespace {

std::string read_in_pieces(const std::string& bytes, size_t size) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (size_t i = 0; i < bytes.size(); i += size) {
    EXPECT_TRUE(parser.feed(std::string_view(bytes).substr(i, size), &events).ok());
  }
  std::string out;
  for (const SseEvent& event : events) out += event.name + "|" + event.data + ";";
  return out + (parser.is_within_event() ? "..." : "");
}

TEST(SseParser, PiecesOfAnySizeGiveTheSameEvents) {
  const std::pair<const char*, const char*> cases[] = {
      {"data: a\n\n", "|a;"},
      {"\xef\xbb\xbf"
       "data: a\n\n",
       "|a;"},
      {"data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;"},
      {"data: a\r\rdata: b\r\r", "|a;|b;"},
      {"data:a\ndata: b\ndata\n\n", "|a\nb\n;"},
      {": comment\n\nevent: ping\n\ndata: x\n\n", "|x;"},
      {"event: e\nid: 7\nretry: 5\ndata: x\n\ndata: y\n\n", "e|x;|y;"},
      {"data: a\n\ndata: half\n", "|a;..."},
      {"data: a\n\ndat", "|a;..."},
      {"data: a:b\n\n\n\n", "|a:b;"},
  };
  for (const auto& [bytes, expected] : cases) {
    for (const size_t size : {1u, 2u, 3u, 1000u}) {
      EXPECT_EQ(read_in_pieces(bytes, size), expected) << bytes << " by " << size;
    }
  }
}

TEST(SseParser, LinesAndEventsAreBounded) {
  std::vector<SseEvent> events;
  SseParser line(100, 1000);
  EXPECT_TRUE(line.feed("data: " + std::string(94, 'x'), &events).ok());
  EXPECT_EQ(line.feed("x", &events).error().code, ErrorCode::kDamaged);
  SseParser event(100, 1000);
  Status status;
  for (int i = 0; i < 30 && status.ok(); ++i) {
    status = event.feed("data: " + std::string(90, 'x') + "\n", &events);
  }
  EXPECT_EQ(status.error().code, ErrorCode::kDamaged);
  EXPECT_TRUE(events.empty());
}

}  // namespace
}  // namespace overtake::wire
