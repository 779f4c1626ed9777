#include "wire/call.h"

namespace overtake::wire {

GenerateRequest Call::choice_request(int index) const {
  GenerateRequest out = request;
  out.prompt = prompts[static_cast<size_t>(index / n)];
  if (out.sampling.seed) *out.sampling.seed += static_cast<uint64_t>(index % n);
  return out;
}

std::string Call::member_of(int message, int part) const {
  if (message < 0 || static_cast<size_t>(message) >= origins.size()) return {};
  const MessageOrigin& origin = origins[static_cast<size_t>(message)];
  const std::string index = std::to_string(origin.first_part + part);
  return origin.parts + (origin.bracketed ? "[" + index + "]" : "." + index);
}

}  // namespace overtake::wire
