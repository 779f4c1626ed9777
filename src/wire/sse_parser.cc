#include "wire/sse_parser.h"

#include <fmt/core.h>

#include <utility>

namespace overtake::wire {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Error too_long(std::string_view what, size_t limit) {
  return {ErrorCode::kDamaged, fmt::format("{} of the event stream is longer than {} bytes; answer "
                                           "of the upstream; is this the right address?",
                                           what, limit)};
}

}  // namespace

Status SseParser::feed(std::string_view bytes, std::vector<SseEvent>* out) {
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > max_line_bytes_) return too_long("a line", max_line_bytes_);
    line_ += piece;
    if (end == bytes.npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    TRY(take_line(out));
  }
  return {};
}

Status SseParser::take_line(std::vector<SseEvent>* out) {
  std::string_view line = line_;
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    if (std::exchange(has_data_, false)) out->push_back(std::move(event_));
    event_ = {};
    line_.clear();
    return {};
  }
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") event_.name = value;
  if (field == "data") {
    if (event_.data.size() + value.size() >= max_event_bytes_) {
      return too_long("an event", max_event_bytes_);
    }
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data += value;
  }
  line_.clear();
  return {};
}

}  // namespace overtake::wire
