// SseParser: server-sent events (WHATWG HTML, section 9.2.6) out of bytes in any pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake::wire {

struct SseEvent {
  std::string name;  // of its "event:" line, or empty
  std::string data;  // its "data:" lines, joined by line ends
};

class SseParser {
 public:
  // Of one line, and of the data of one event.
  explicit SseParser(size_t max_line_bytes = 8u << 20, size_t max_event_bytes = 16u << 20)
      : max_line_bytes_(max_line_bytes), max_event_bytes_(max_event_bytes) {}

  // Appends the events that are complete; kDamaged for one beyond the bounds.
  Status feed(std::string_view bytes, std::vector<SseEvent>* out);
  // Whether an event has begun that has not ended: its bytes are lost if no more come.
  bool is_within_event() const { return !line_.empty() || has_data_; }

 private:
  Status take_line(std::vector<SseEvent>* out);

  size_t max_line_bytes_;
  size_t max_event_bytes_;
  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;  // a line feed now belongs to the line before
  bool at_start_ = true;
};

}  // namespace overtake::wire
