// What every reader of a vendor's answers must keep, whatever comes.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "wire/client_dialect.h"

namespace overtake {

// Feeds `bytes` in pieces: one last event or an error comes of it, and nothing after either.
inline void check_reader(wire::AnswerReader& reader, std::string_view bytes, size_t piece) {
  std::vector<Event> events;
  Status status;
  for (size_t i = 0; i < bytes.size() && status.ok(); i += piece) {
    status = reader.feed(bytes.substr(i, piece), &events);
  }
  if (status.ok()) status = reader.finish(&events);
  size_t n_last = 0;
  for (const Event& event : events) n_last += is_last(event);
  OVERTAKE_CHECK(n_last <= 1 && (n_last == 0 || is_last(events.back())));
  OVERTAKE_CHECK(status.ok() == (n_last == 1));
}

}  // namespace overtake
