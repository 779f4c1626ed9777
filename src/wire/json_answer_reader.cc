#include "wire/json_answer_reader.h"

#include <nlohmann/json.hpp>

#include "wire/upstream_answer.h"

namespace overtake::wire {

constexpr size_t kMaxLineBytes = 16u << 20;

Error JsonAnswerReader::damaged(std::string_view what) const { return damaged_answer(api_, what); }

Result<bool> JsonAnswerReader::take_raw(const SseEvent&, std::vector<Event>*) { return false; }

Status JsonAnswerReader::take_text(std::string_view name, std::string_view text,
                                   std::vector<Event>* out) {
  const auto json = parse_json(text, "answer");
  // The parser's words may quote the answer, and are not for a log.
  if (!json.ok()) return damaged(is_whole() ? "it is no whole JSON" : "an event that is no JSON");
  return take(name, json.value(), out);
}

Status JsonAnswerReader::feed_lines(std::string_view bytes, std::vector<Event>* out) {
  while (!bytes.empty() && !closed_) {
    const size_t end = bytes.find('\n');
    text_ += bytes.substr(0, end);
    if (text_.size() > kMaxLineBytes) return damaged("a line is longer than any should be");
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(text_, {});
    if (line.find_first_not_of(" \t\r") != std::string::npos) TRY(take_text({}, line, out));
  }
  return {};
}

Status JsonAnswerReader::feed(std::string_view bytes, std::vector<Event>* out) {
  if (closed_) return {};
  if (framing_ == AnswerFraming::kLines) return feed_lines(bytes, out);
  if (is_whole()) {
    if (text_.size() + bytes.size() > kMaxPlainAnswerBytes) {
      return damaged("it is larger than any answer should be");
    }
    text_ += bytes;
    return {};
  }
  std::vector<SseEvent> events;
  TRY(parser_.feed(bytes, &events));
  for (const SseEvent& event : events) {
    if (closed_) return {};
    if (TRY(take_raw(event, out))) continue;
    TRY(take_text(event.name, event.data, out));
  }
  return {};
}

bool JsonAnswerReader::is_complete() const {
  return !closed_ && framing_ == AnswerFraming::kEvents && !parser_.is_within_event() &&
         has_ended();
}

Status JsonAnswerReader::finish(std::vector<Event>* out) {
  if (closed_) return {};
  if (framing_ == AnswerFraming::kEvents) {
    if (parser_.is_within_event()) return damaged("it ended within an event");
  } else if (is_whole() || text_.find_first_not_of(" \t\r") != std::string::npos) {
    TRY(take_text({}, text_, out));
  }
  return closed_ ? Status() : end(out);
}

}  // namespace overtake::wire
