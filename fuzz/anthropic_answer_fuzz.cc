// Answers of Anthropic's Messages: the first byte says how they come and in what pieces.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "wire/anthropic/client.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace overtake;
  if (size == 0) return 0;
  const bool stream = (data[0] & 1) != 0;
  const size_t piece = 1 + (data[0] >> 1);
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto reader = anthropic::make_messages_reader(stream);
  std::vector<Event> events;
  Status status;
  for (size_t i = 0; i < bytes.size() && status.ok(); i += piece) {
    status = reader->feed(bytes.substr(i, piece), &events);
  }
  if (status.ok()) status = reader->finish(&events);
  // Whatever came: one last event or an error, and nothing after either.
  size_t n_last = 0;
  for (const Event& event : events) n_last += is_last(event);
  OVERTAKE_CHECK(n_last <= 1 && (n_last == 0 || is_last(events.back())));
  OVERTAKE_CHECK(status.ok() == (n_last == 1));
  static_cast<void>(anthropic::read_error({.status = 400}, bytes).retryable);
  static_cast<void>(anthropic::read_models(bytes).ok());
  static_cast<void>(anthropic::read_count(bytes).ok());
  return 0;
}
